"""Settings: every wrong one is told at once, and the example file is the tree's own text."""

from pathlib import Path

import pytest

from backend import settings
from backend.settings import Settings, SettingsError, load
from backend.shared import environ

EXAMPLE = Path(__file__).parents[2] / ".env.example"


def test_without_any_variable_the_defaults_hold() -> None:
    found = load({})
    assert (found.http.host, found.http.port) == ("127.0.0.1", 8317)
    assert found.database.url == ""
    assert found.timers.desk_presentation_s == 2.0


def test_every_wrong_setting_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load(
            {
                "JIEAN_HTTP_PORT": "seventy",
                "JIEAN_TIMERS_DESK_PRESENTATION_S": "3",
                "JIEAN_HTTP_COOKIE_SECURE": "perhaps",
                "JIEAN_DISPATCH_DETOUR": "0.2",
                "JIEAN_DATABASE_URL": "mysql://x",
                "JIEAN_MQTT_TOPICS": ",",
            }
        )
    told = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 6
    for name in ("HTTP_PORT", "PRESENTATION", "COOKIE", "DETOUR", "DATABASE_URL", "TOPICS"):
        assert name in told


def test_a_misspelt_setting_is_refused_with_the_name_that_was_meant() -> None:
    with pytest.raises(SettingsError, match="JIEAN_TIMERS_OFFER_FIRST_S"):
        load({"JIEAN_TIMERS_OFER_FIRST_S": "10"})


def test_the_desk_may_not_be_given_more_than_the_standards_two_seconds() -> None:
    assert load({"JIEAN_TIMERS_DESK_PRESENTATION_S": "1.5"}).timers.desk_presentation_s == 1.5
    with pytest.raises(SettingsError, match="PRESENTATION"):
        load({"JIEAN_TIMERS_DESK_PRESENTATION_S": "2.01"})


def test_a_password_in_an_address_is_never_echoed() -> None:
    with pytest.raises(SettingsError) as caught:
        load({"JIEAN_DATABASE_URL": "postgre://jiean:geheim@db"})
    assert "geheim" not in str(caught.value)


def test_values_of_every_kind_are_read() -> None:
    found = load(
        {
            "JIEAN_DATA": "/srv/jiean",
            "JIEAN_MQTT_TOPICS": "a/#, b/+",
            "JIEAN_HTTP_COOKIE_SECURE": "Yes",
            "JIEAN_DISPATCH_WALK_M_PER_MIN": "80",
            "JIEAN_SKIP_PWA": "1",
        }
    )
    assert found.data.folder == Path("/srv/jiean")
    assert found.mqtt.topics == ("a/#", "b/+")
    assert found.http.cookie_secure is True
    assert found.dispatch.walk_m_per_min == 80.0


@pytest.mark.parametrize(
    "variables",
    [
        {"JIEAN_DATABASE_POOL_MIN": "9", "JIEAN_DATABASE_POOL_MAX": "8"},
        {"JIEAN_HTTP_PORT": "1884", "JIEAN_MQTT_PORT": "1884"},
        {"JIEAN_HTTP_COOKIE_SECURE": "true", "JIEAN_HTTP_PUBLIC_URL": "http://a.example"},
        {"JIEAN_DATABASE_OWNER_URL": "postgresql://owner@db"},
        {"JIEAN_HTTP_TLS_CERT": "server.crt"},
    ],
)
def test_settings_that_contradict_each_other_are_refused(variables: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        load(variables)


def test_the_example_file_is_the_text_of_the_tree() -> None:
    assert EXAMPLE.read_text() == settings.example_text(), "run: ./jiean env-example > .env.example"


def test_every_setting_says_what_it_is_and_whose_number_it_is() -> None:
    for name, section, _field, _kind, _default, text in environ.facts(Settings, "JIEAN"):
        assert text, name
        if section == "timers":
            assert text.startswith("▲") or text[0].isdigit(), f"{name}: ours or the standard's?"


def test_the_example_file_is_itself_acceptable_when_uncommented() -> None:
    lines = [line[1:] for line in EXAMPLE.read_text().splitlines() if line.startswith("#JIEAN_")]
    given = dict(line.split("=", 1) for line in lines)
    assert load(given) == load({})
