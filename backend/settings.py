"""Every setting in one typed tree. ``JIEAN_<SECTION>_<FIELD>`` sets ``settings.section.field``.

A number that the standard sets says so with its clause; a number that we chose is marked ▲ and
may be changed without leaving the standard. ``.env.example`` is written from this file.
"""

import os
import sys
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from backend.shared import environ
from backend.shared.environ import SettingsError

__all__ = ["Settings", "SettingsError", "example_text", "load"]

PREFIX = "JIEAN"
OTHERS = {"JIEAN_SKIP_PWA", "JIEAN_CHROMIUM", "JIEAN_DATA", "JIEAN_STREETS"}
"""Of the bootstrap and of the tests; short names of JIEAN_DATA_FOLDER and JIEAN_STREETS_FILE."""

SECRET_FORM = "^($|[A-Za-z0-9_-]{16,200}$)"  # noqa: S105 - its form, not a secret

Port = Annotated[int, Meta(ge=1, le=65535)]
Text = str


def _ours_s(default_says: str) -> Meta:
    """Description of a time in seconds that we chose."""
    return Meta(gt=0, le=31_536_000, description=f"▲ {default_says}, s")


NETWORKS = Meta(description="networks that may open a line (10.8.0.0/24), comma; empty = all")


class Http(msgspec.Struct, frozen=True, kw_only=True):
    """Where the web face listens."""

    host: Annotated[str, Meta(min_length=1, description="address to listen on; 0.0.0.0 = all")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Meta(ge=1, le=65535, description="TCP port")] = 8317
    public_url: Annotated[
        str, Meta(description="address people type, for links and QR codes; empty = host and port")
    ] = ""
    cookie_secure: Annotated[
        bool, Meta(description="true behind HTTPS: cookies are never sent without it")
    ] = False
    tls_cert: Annotated[
        str, Meta(description="PEM file with the certificate and its chain: HTTPS without a proxy")
    ] = ""
    tls_key: Annotated[str, Meta(description="PEM file with its private key")] = ""
    body_max_bytes: Annotated[
        int, Meta(ge=65_536, le=67_108_864, description="▲ largest request body, photos apart")
    ] = 1_048_576


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """Where files live."""

    folder: Annotated[
        Path, Meta(description="embedded databases, photos, keys; JIEAN_DATA is the same")
    ] = Path(".jiean/data")
    messages_days: Annotated[
        int,
        Meta(ge=30, le=36_500, description="who was told what, and when, is kept so long, days"),
    ] = 1_830
    shipped_days: Annotated[
        int,
        Meta(
            ge=7,
            le=3_650,
            description="▲ audit rows that were shipped to the log, and reactions that failed for "
            "good, are kept so long beside the data, days",
        ),
    ] = 30


class DatabaseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """PostgreSQL. Without ``url`` one is started from the Python package."""

    url: Annotated[
        str,
        Meta(
            pattern=r"^($|postgres(ql)?://)",
            description="postgresql://user:password@host:port of the running service (hosts may be "
            "listed with commas); empty = embedded. The database's name is added",
        ),
    ] = ""
    owner_url: Annotated[
        str,
        Meta(
            pattern=r"^($|postgres(ql)?://)",
            description="the same with a user who may create databases and tables; for migrations",
        ),
    ] = ""
    prefix: Annotated[
        str, Meta(pattern="^[a-z][a-z0-9_]{0,30}$", description="of the four databases' names")
    ] = "jiean_"
    port: Annotated[
        int, Meta(ge=0, le=65535, description="embedded only; 0 = a free one, kept in the folder")
    ] = 0
    pool_min: Annotated[int, Meta(ge=1, le=100, description="▲ connections kept per database")] = 1
    pool_max: Annotated[int, Meta(ge=2, le=200, description="▲ connections at most")] = 8
    acquire_timeout_s: Annotated[float, _ours_s("longest wait for a free connection")] = 10.0
    command_timeout_s: Annotated[float, _ours_s("longest single statement")] = 60.0


class Mqtt(msgspec.Struct, frozen=True, kw_only=True):
    """The detectors' broker. Without ``url`` one is started: mosquitto if found, else iotcore."""

    url: Annotated[
        str,
        Meta(
            pattern=r"^($|mqtts?://)",
            description="mqtt://user:password@host:port or mqtts://…; empty = embedded",
        ),
    ] = ""
    port: Annotated[int, Meta(ge=1, le=65535, description="embedded only: loopback port")] = 18830
    client_id: Annotated[
        str, Meta(min_length=1, max_length=60, description="names the persistent session")
    ] = "jiean-ingest"
    client: Annotated[
        str,
        Meta(pattern="^(native|paho)$", description="who speaks MQTT 5: native, or paho"),
    ] = "native"
    topics: Annotated[tuple[str, ...], Meta(min_length=1, description="subscriptions, comma")] = (
        "zigbee2mqtt/#",
        "jiean/#",
        "application/+/device/+/event/+",
        "spBv1.0/#",
    )
    message_max_bytes: Annotated[
        int, Meta(ge=1024, le=16_777_216, description="▲ longer messages are kept as rejected")
    ] = 262_144
    session_expiry_s: Annotated[int, _ours_s("broker keeps our messages while we are away")] = (
        604_800
    )


class Timers(msgspec.Struct, frozen=True, kw_only=True):
    """Deadlines of the flow. When one passes, an ordinary command follows."""

    desk_presentation_s: Annotated[
        float, Meta(gt=0, le=2, description="6.2.1: on the desk within 2 s of emission, s")
    ] = 2.0
    desk_claim_s: Annotated[float, _ours_s("a person claims; then next desk and desk lead")] = 15.0
    call_attempt_s: Annotated[float, _ours_s("ringing per attempt, 2 contacts × 2")] = 30.0
    desk_claim_lead_s: Annotated[float, _ours_s("still nobody: the desk lead is paged")] = 30.0
    contact_limit_s: Annotated[float, _ours_s("slow kinds: dispatch in parallel after")] = 60.0
    offer_first_s: Annotated[float, _ours_s("first offer stays open")] = 25.0
    offer_next_s: Annotated[float, _ours_s("each further offer")] = 20.0
    no_receipt_s: Annotated[float, _ours_s("phone gave no receipt: it is called")] = 8.0
    nobody_left_s: Annotated[float, _ours_s("no acceptance at all: lead and fire station")] = 90.0
    en_route_slack_s: Annotated[float, _ours_s("later than estimated: a helper is offered")] = 60.0
    en_route_p1_s: Annotated[float, _ours_s("the same for the highest priority")] = 180.0
    report_delivered_s: Annotated[float, _ours_s("report not delivered: sent again")] = 20.0
    report_voice_s: Annotated[float, _ours_s("report still not delivered: by voice")] = 60.0
    stand_down_release_s: Annotated[float, _ours_s("desk is reminded to release")] = 60.0
    stand_down_lead_s: Annotated[float, _ours_s("then the desk lead")] = 300.0
    false_report_s: Annotated[
        float, Meta(gt=0, le=31_536_000, description="▲ false-alarm report due, s")
    ] = 86_400.0
    archive_s: Annotated[float, _ours_s("archive due after release")] = 259_200.0
    false_again_s: Annotated[
        float, _ours_s("called false and again so soon: whoever is still there looks again")
    ] = 600.0
    lone_worker_s: Annotated[float, _ours_s("check-in while inside")] = 300.0
    lone_worker_call_s: Annotated[
        float, _ours_s("no answer while being telephoned: reported for rescue")
    ] = 60.0
    call_119_s: Annotated[float, _ours_s("119 not logged after a cry for rescue")] = 60.0
    call_120_s: Annotated[float, _ours_s("120 not logged after injury: desk alarm")] = 60.0
    monitored_s: Annotated[float, _ours_s("reminder while monitored")] = 86_400.0
    monitored_structure_s: Annotated[float, _ours_s("the same for buildings")] = 604_800.0
    call_attempts: Annotated[
        int, Meta(ge=1, le=20, description="▲ calls before nobody answers")
    ] = 2
    undo_s: Annotated[float, _ours_s("an acceptance may be taken back")] = 10.0
    retry_s: Annotated[float, _ours_s("nobody on duty: looked for again")] = 20.0
    late_s: Annotated[float, _ours_s("a tap that arrives later than this is late")] = 60.0
    debt_s: Annotated[float, _ours_s("what is owed for the record is due")] = 86_400.0
    authority_report_s: Annotated[float, _ours_s("a building's hazard is due to the authority")] = (
        7_200.0
    )
    office_ack_s: Annotated[float, _ours_s("an office's paper not acknowledged: desk told")] = (
        7_200.0
    )
    technician_s: Annotated[
        float, Meta(gt=0, le=86_400, description="5.1.2.2: technician answers within 24 h, s")
    ] = 86_400.0


class Sensing(msgspec.Struct, frozen=True, kw_only=True):
    """How readings are gathered and judged; the limits themselves are in sensing/rules.py."""

    batch_ms: Annotated[
        int,
        Meta(
            ge=1, le=1000, description="▲ longest wait of a batch, ms; an alarm never waits for it"
        ),
    ] = 50
    batch_max: Annotated[int, Meta(ge=1, le=10_000, description="▲ messages in a batch")] = 500
    processes: Annotated[
        int,
        Meta(ge=0, le=32, description="processes that store readings; 0 = the service itself"),
    ] = 0
    states_kept: Annotated[
        int,
        Meta(ge=0, le=5_000_000, description="▲ detectors kept in memory; others are read anew"),
    ] = 300_000
    smoke_clear_s: Annotated[float, _ours_s("smoke detector quiet before it counts as clear")] = (
        60.0
    )
    storm_episodes: Annotated[
        int,
        Meta(ge=1, le=10_000, description="▲ alarms of one gateway that are still incidents each"),
    ] = 20
    storm_s: Annotated[float, _ours_s("in which so many alarms of one gateway are a storm")] = 60.0


class Readings(msgspec.Struct, frozen=True, kw_only=True):
    """For how long readings stay. What belongs to an incident stays with its record."""

    raw_days: Annotated[
        int, Meta(ge=30, le=3_650, description="▲ every single reading, whole days beside today")
    ] = 90
    hours_days: Annotated[
        int,
        Meta(ge=90, le=36_500, description="▲ hourly summaries, and events of devices"),
    ] = 800
    days_days: Annotated[int, Meta(ge=365, le=36_500, description="▲ daily summaries")] = 3_660


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Where photographs are kept, and how they are proved. Without a bucket: the data folder."""

    s3_bucket: Annotated[
        str,
        Meta(
            pattern=r"^($|[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])$",
            description="keep photographs in this S3 bucket; empty = in the data folder",
        ),
    ] = ""
    s3_endpoint: Annotated[
        str,
        Meta(
            pattern=r"^($|https?://[^/]+/?$)",
            description="https://… of a store that speaks S3 (MinIO, OSS, COS); empty = Amazon's",
        ),
    ] = ""
    s3_region: Annotated[str, Meta(min_length=1, description="as the store names it")] = "us-east-1"
    s3_key_id: Annotated[str, Meta(description="of an account that may only read and write it")] = (
        ""
    )
    s3_key_secret: Annotated[str, Meta(description="its secret")] = ""
    s3_prefix: Annotated[
        str,
        Meta(
            pattern="^($|[A-Za-z0-9_-][A-Za-z0-9_/-]*/)$",
            description="before every name in the bucket, with a slash at the end",
        ),
    ] = ""
    s3_path_style: Annotated[
        bool, Meta(description="https://endpoint/bucket/name, not https://bucket.endpoint/name")
    ] = True
    s3_timeout_s: Annotated[float, _ours_s("longest single request")] = 30.0
    signing_key: Annotated[
        str,
        Meta(
            pattern="^($|[A-Za-z0-9_-]{43})$",
            description="Ed25519 private key, 32 bytes in base64url, that counter-signs "
            "photographs; empty = made in the data folder",
        ),
    ] = ""
    faces_timeout_s: Annotated[
        float, _ours_s("longest search for faces in one photograph; then it is pixelated whole")
    ] = 20.0


class Gb26875(msgspec.Struct, frozen=True, kw_only=True):
    """The door for user information transmission units (GB/T 26875.3 over TCP)."""

    port: Annotated[int, Meta(ge=0, le=65535, description="TCP port; 0 = the door is closed")] = 0
    host: Annotated[
        str, Meta(min_length=1, description="address to listen on; the protocol has no encryption")
    ] = "127.0.0.1"
    profiles: Annotated[
        str, Meta(description="path of a JSON file with gateways' profiles; empty = all strict")
    ] = ""
    silence_s: Annotated[
        float, _ours_s("three heartbeats missed: link fault for a technician, line closed")
    ] = 90.0
    unfinished_s: Annotated[float, _ours_s("a frame that began must end within")] = 10.0
    connections_max: Annotated[
        int, Meta(ge=1, le=10_000, description="▲ lines held at the same time")
    ] = 1000
    per_address_max: Annotated[
        int, Meta(ge=1, le=10_000, description="▲ of them from one address")
    ] = 64
    allow: Annotated[tuple[str, ...], NETWORKS] = ()


class Meokon(msgspec.Struct, frozen=True, kw_only=True):
    """The door for MEOKON pressure terminals (hydrants) over TCP."""

    port: Annotated[int, Meta(ge=0, le=65535, description="TCP port; 0 = the door is closed")] = 0
    host: Annotated[
        str, Meta(min_length=1, description="address to listen on; the protocol has no encryption")
    ] = "127.0.0.1"
    silence_s: Annotated[float, _ours_s("a terminal that called must have sent within")] = 20.0
    unfinished_s: Annotated[float, _ours_s("a frame that began must end within")] = 10.0
    connections_max: Annotated[
        int, Meta(ge=1, le=10_000, description="▲ lines held at the same time")
    ] = 1000
    per_address_max: Annotated[
        int, Meta(ge=1, le=10_000, description="▲ of them from one address")
    ] = 64
    allow: Annotated[tuple[str, ...], NETWORKS] = ()


class Cameras(msgspec.Struct, frozen=True, kw_only=True):
    """Cameras and recorders whose event streams we read (Hikvision ISAPI, Dahua)."""

    file: Annotated[
        str, Meta(description="path of a JSON file with the cameras; empty = none is called")
    ] = ""
    silence_s: Annotated[
        float, _ours_s("no event and no heartbeat: called again, and a technician asked")
    ] = 60.0


class Ctwing(msgspec.Struct, frozen=True, kw_only=True):
    """China Telecom's platform asked for what it could not push; off without a key."""

    url: Annotated[
        str, Meta(pattern=r"^https?://[^/]+$", description="the platform's API gateway")
    ] = "https://ag-api.ctwing.cn"
    app_key: Annotated[str, Meta(description="App Key of the application; empty = off")] = ""
    app_secret: Annotated[str, Meta(description="its App Secret")] = ""
    products: Annotated[
        tuple[str, ...], Meta(description="productId:MasterKey of each product, comma")
    ] = ()
    gap_s: Annotated[float, _ours_s("without any push: the platform is asked")] = 900.0
    lookback_s: Annotated[float, _ours_s("farther back than this it is not asked")] = 86_400.0


class Cloud(msgspec.Struct, frozen=True, kw_only=True):
    """Doors for pushes over HTTP; each is closed until it has a secret of 16 characters or more."""

    ctwing_secret: Annotated[
        str, Meta(pattern=SECRET_FORM, description="China Telecom: /api/doors/ctwing/<secret>")
    ] = ""
    huawei_secret: Annotated[
        str, Meta(pattern=SECRET_FORM, description="Huawei IoTDA: /api/doors/huawei/<secret>")
    ] = ""
    hikvision_secret: Annotated[
        str,
        Meta(pattern=SECRET_FORM, description="cameras: /api/doors/hikvision/<secret>/<camera>"),
    ] = ""
    dahua_secret: Annotated[
        str, Meta(pattern=SECRET_FORM, description="cameras: /api/doors/dahua/<secret>/<camera>")
    ] = ""
    push_secret: Annotated[
        str,
        Meta(
            pattern=SECRET_FORM,
            description="others, read by mapping templates: /api/doors/push/<secret>/<path>, "
            "whose topic is push/<path>",
        ),
    ] = ""


class Streets(msgspec.Struct, frozen=True, kw_only=True):
    """The streets by which ways are measured."""

    file: Annotated[
        Text,
        Meta(
            description="GeoJSON (WGS-84) or OpenStreetMap (.osm, .osm.gz, .osm.bz2, .pbf); "
            "empty = the drawn map's streets; JIEAN_STREETS is the same"
        ),
    ] = ""
    snap_m: Annotated[float, Meta(gt=0, le=1_000, description="▲ a door's farthest lane, m")] = (
        150.0
    )


class Dispatch(msgspec.Struct, frozen=True, kw_only=True):
    """Who is near enough and how long the way takes."""

    walk_m_per_min: Annotated[float, Meta(gt=0, le=1000, description="▲ pace, m/min")] = 75.0
    riding: Annotated[
        bool,
        Meta(description="▲ field staff ride e-bikes: no steps or fords, with one-way streets"),
    ] = False
    ride_m_per_min: Annotated[
        float, Meta(gt=0, le=1000, description="▲ pace of an e-bike, m/min")
    ] = 250.0
    detour: Annotated[float, Meta(ge=1, le=5, description="▲ way ÷ straight line")] = 1.4
    fix_max_age_s: Annotated[float, _ours_s("older positions count as unknown")] = 180.0
    fix_max_accuracy_m: Annotated[
        float, Meta(gt=0, le=10_000, description="▲ vaguer positions count as unknown, m")
    ] = 100.0
    post_penalty_min: Annotated[
        float, Meta(ge=0, le=60, description="▲ added where only the post is known, min")
    ] = 3.0
    near_step_min: Annotated[
        float, Meta(ge=0, le=10, description="▲ ways closer than this are equally long, min")
    ] = 0.5
    rest_s: Annotated[float, _ours_s("after an incident: equally near others first")] = 3_600.0
    cover_m: Annotated[
        float,
        Meta(ge=0, le=10_000, description="▲ so near a post it is covered; 0 = no moves, m"),
    ] = 300.0
    self_assign_m: Annotated[
        float, Meta(gt=0, le=5_000, description="▲ self-assignment within, m")
    ] = 150.0
    pre_alerted: Annotated[
        int, Meta(ge=0, le=10, description="▲ further people told while one is asked")
    ] = 2


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """Who counts as reachable, and when communication is tested. All ours (▲)."""

    unreachable_below: Annotated[
        int, Meta(ge=0, le=100, description="▲ below this number nobody is asked to go")
    ] = 40
    grace_s: Annotated[float, _ours_s("after coming on duty nobody counts as unreachable")] = 120.0
    proof_s: Annotated[float, _ours_s("a receipt so fresh proves that messages come")] = 900.0
    test_at_start: Annotated[bool, Meta(description="▲ test whoever comes on duty")] = True
    test_every_s: Annotated[
        float, Meta(ge=600, le=604_800, description="▲ and again each time after, s")
    ] = 14_400.0
    test_open_s: Annotated[float, _ours_s("a test without a receipt is missed after")] = 90.0


class Roster(msgspec.Struct, frozen=True, kw_only=True):
    """Shifts: what is warned of, how far ahead is looked, and how duty ends by itself."""

    stretch_h: Annotated[
        float, Meta(gt=0, le=24, description="▲ longer without a break is warned of, h")
    ] = 12.0
    rest_h: Annotated[
        float, Meta(ge=0, le=48, description="▲ less between two shifts is warned of, h")
    ] = 8.0
    ahead_days: Annotated[
        int, Meta(ge=1, le=62, description="▲ gaps are looked for so far ahead, days")
    ] = 14
    remind_h: Annotated[
        float, Meta(gt=0, le=336, description="▲ the manager hears of a gap so long before, h")
    ] = 24.0
    early_min: Annotated[
        float, Meta(ge=0, le=240, description="▲ duty may begin before the shift, min")
    ] = 30.0
    grace_min: Annotated[
        float, Meta(ge=0, le=240, description="▲ forgotten duty ends after the shift, min")
    ] = 30.0
    extra_h: Annotated[
        float, Meta(gt=0, le=24, description="▲ longest extra duty outside a shift, h")
    ] = 12.0
    swap_approval: Annotated[
        bool, Meta(description="▲ a swap waits for the manager or the desk lead")
    ] = True


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """Rounds of 5.1.2; the cycles themselves are written by the lead."""

    place_m: Annotated[
        float, Meta(gt=0, le=500, description="▲ farther from the register is asked about, m")
    ] = 30.0
    test_min: Annotated[
        float, Meta(gt=0, le=60, description="▲ the test signal is waited for, min")
    ] = 10.0
    warn_h: Annotated[
        float, Meta(gt=0, lt=24, description="▲ the technician is warned after the notice, h")
    ] = 20.0


class Cordon(msgspec.Struct, frozen=True, kw_only=True):
    """What is proposed as a cordon, by kind; the person at the scene decides. All ours (▲)."""

    cordon_gas_m: Annotated[
        float, Meta(ge=5, le=1000, description="▲ gas: radius that is proposed, m")
    ] = 50.0
    cordon_gas_outer_m: Annotated[
        float, Meta(ge=5, le=1000, description="▲ gas not shut off: the wider one, m")
    ] = 100.0
    cordon_margin_m: Annotated[
        float, Meta(ge=0, le=200, description="▲ smoke: building and so much of its lanes, m")
    ] = 8.0
    cordon_heights: Annotated[
        float, Meta(ge=0, le=5, description="▲ structure: times the height, round the building")
    ] = 1.5
    storey_m: Annotated[
        float, Meta(gt=0, le=10, description="▲ height of a storey where none is measured, m")
    ] = 3.5
    cordon_near_m: Annotated[
        float, Meta(ge=0, le=1000, description="▲ a phone so near to an edge is warned, m")
    ] = 60.0


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """How messages leave the house. Exercises never do."""

    vapid_private_key: Annotated[
        str, Meta(description="Web Push key (PEM or base64url); empty = made in the data folder")
    ] = ""
    vapid_subject: Annotated[
        str,
        Meta(pattern="^(mailto:|https://)", description="contact told to push services"),
    ] = "mailto:duty@jiean.invalid"
    timeout_s: Annotated[float, _ours_s("longest wait for a push service")] = 10.0
    fcm_service_account: Annotated[str, Meta(description="path of its JSON; empty = off")] = ""
    apns_key: Annotated[str, Meta(description="path of the .p8 file; empty = off")] = ""
    apns_key_id: Annotated[str, Meta(description="of that file")] = ""
    apns_team_id: Annotated[str, Meta(description="of the Apple account")] = ""
    apns_topic: Annotated[str, Meta(description="bundle name of the app")] = ""
    apns_critical: Annotated[
        bool, Meta(description="the app holds Apple's entitlement for critical alerts")
    ] = False
    telephony: Annotated[
        str, Meta(pattern="^(|aliyun|tencent)$", description="texts and calls: aliyun or tencent")
    ] = ""
    telephony_key_id: Annotated[str, Meta(description="of an account that may only do that")] = ""
    telephony_key_secret: Annotated[str, Meta(description="its secret")] = ""
    telephony_secret: Annotated[
        str,
        Meta(
            pattern=SECRET_FORM,
            description="reports come to /api/push/reports/<telephony>/<secret>; empty = closed",
        ),
    ] = ""
    sms_sign: Annotated[str, Meta(description="approved signature of texts")] = ""
    sms_app: Annotated[str, Meta(description="SdkAppId of texts; Tencent only")] = ""
    sms_template: Annotated[
        str, Meta(description="approved template with title and text; empty = no texts")
    ] = ""
    voice_app: Annotated[
        str, Meta(description="Tencent: SdkAppId of calls; Aliyun: the number that is shown")
    ] = ""
    voice_template: Annotated[
        str, Meta(description="approved template with title and text; empty = no calls")
    ] = ""
    voice_key_template: Annotated[
        str,
        Meta(
            description="Aliyun: approved template said after the key 1 that confirms; with it "
            "calls ask for the key, and the voice template must say so. Tencent's need none"
        ),
    ] = ""
    room: Annotated[
        str,
        Meta(
            pattern="^($|(wecombot|dingtalk|feishu|mailtos?)://)",
            description="group room of the offices, as an apprise URL; empty = none",
        ),
    ] = ""
    quiet_from: Annotated[
        int, Meta(ge=0, le=23, description="▲ from this hour residents hear only what is urgent")
    ] = 22
    quiet_to: Annotated[
        int, Meta(ge=0, le=23, description="▲ until this hour; the same hour = no quiet hours")
    ] = 7


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions and lockout."""

    session_idle_min: Annotated[
        int, Meta(ge=5, le=10_080, description="▲ a session ends after this long unused, min")
    ] = 720
    lockout_failures: Annotated[int, Meta(ge=1, le=100, description="▲ wrong passwords")] = 5
    lockout_min: Annotated[int, Meta(ge=1, le=1440, description="▲ then locked for, min")] = 15
    link_ttl_days: Annotated[
        int, Meta(ge=1, le=3650, description="▲ a household's link stays valid, days")
    ] = 400


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """Who runs this installation."""

    name: Annotated[str, Meta(min_length=1, max_length=100, description="shown to residents")] = (
        "街安安全服务站"
    )
    phone: Annotated[str, Meta(max_length=40, description="24-hour number shown everywhere")] = ""
    timezone: Annotated[str, Meta(min_length=1, description="for dates and incident numbers")] = (
        "Asia/Shanghai"
    )


class Demo(msgspec.Struct, frozen=True, kw_only=True):
    """``jiean demo`` only."""

    exercise: Annotated[
        bool, Meta(description="every alert is an exercise; nothing leaves the house")
    ] = False
    seed: Annotated[int, Meta(ge=0, description="same seed, same neighbourhood")] = 8
    readings_per_s: Annotated[
        float, Meta(ge=0, le=5000, description="background telemetry, messages per s")
    ] = 20.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The whole tree; every part has a default that works on one machine."""

    http: Http = Http()
    data: Data = Data()
    database: DatabaseSettings = DatabaseSettings()
    mqtt: Mqtt = Mqtt()
    timers: Timers = Timers()
    sensing: Sensing = Sensing()
    readings: Readings = Readings()
    evidence: Evidence = Evidence()
    gb26875: Gb26875 = Gb26875()
    meokon: Meokon = Meokon()
    cameras: Cameras = Cameras()
    cloud: Cloud = Cloud()
    ctwing: Ctwing = Ctwing()
    dispatch: Dispatch = Dispatch()
    streets: Streets = Streets()
    roster: Roster = Roster()
    reach: Reach = Reach()
    inspection: Inspection = Inspection()
    cordon: Cordon = Cordon()
    push: Push = Push()
    access: Access = Access()
    service: Service = Service()
    demo: Demo = Demo()

    @property
    def public_url(self) -> str:
        """Where people reach the product, without a slash at the end."""
        if self.http.public_url:
            return self.http.public_url.rstrip("/")
        host = "127.0.0.1" if self.http.host in ("0.0.0.0", "::") else self.http.host  # noqa: S104
        return f"{'https' if self.http.tls_cert else 'http'}://{host}:{self.http.port}"


def load(variables: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment (or ``variables``).

    Raises:
        SettingsError: with one sentence for every wrong setting.
    """
    given = dict(os.environ if variables is None else variables)
    if "JIEAN_DATA" in given:
        given.setdefault("JIEAN_DATA_FOLDER", given["JIEAN_DATA"])
    if "JIEAN_STREETS" in given:
        given.setdefault("JIEAN_STREETS_FILE", given["JIEAN_STREETS"])
    problems: list[str] = []
    try:
        settings = environ.load(Settings, given, PREFIX, OTHERS)
    except SettingsError as wrong:
        problems += wrong.problems
    else:
        problems += _together(settings)
    if problems:
        raise SettingsError(problems)
    return settings


def _together(settings: Settings) -> list[str]:
    """What no single setting shows to be wrong."""
    found = []
    if settings.database.pool_min > settings.database.pool_max:
        found.append("JIEAN_DATABASE_POOL_MIN is larger than JIEAN_DATABASE_POOL_MAX")
    if settings.http.port == settings.mqtt.port and not settings.mqtt.url:
        found.append("JIEAN_HTTP_PORT and JIEAN_MQTT_PORT are the same")
    if settings.http.cookie_secure and settings.http.public_url.startswith("http://"):
        found.append("JIEAN_HTTP_COOKIE_SECURE needs an https:// JIEAN_HTTP_PUBLIC_URL")
    if bool(settings.http.tls_cert) != bool(settings.http.tls_key):
        found.append("JIEAN_HTTP_TLS_CERT and JIEAN_HTTP_TLS_KEY go together")
    if settings.evidence.s3_bucket and not (
        settings.evidence.s3_key_id and settings.evidence.s3_key_secret
    ):
        found.append(
            "JIEAN_EVIDENCE_S3_BUCKET needs JIEAN_EVIDENCE_S3_KEY_ID and "
            "JIEAN_EVIDENCE_S3_KEY_SECRET"
        )
    for name, networks in (("GB26875", settings.gb26875.allow), ("MEOKON", settings.meokon.allow)):
        found += [
            f"JIEAN_{name}_ALLOW: {network!r} is no network"
            for network in networks
            if not _is_network(network)
        ]
    if settings.ctwing.app_key and not (settings.ctwing.app_secret and settings.ctwing.products):
        found.append("JIEAN_CTWING_APP_KEY needs JIEAN_CTWING_APP_SECRET and JIEAN_CTWING_PRODUCTS")
    if any(":" not in product for product in settings.ctwing.products):
        found.append("JIEAN_CTWING_PRODUCTS wants productId:MasterKey")
    if settings.database.owner_url and not settings.database.url:
        found.append("JIEAN_DATABASE_OWNER_URL is given without JIEAN_DATABASE_URL")
    return found


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def example_text() -> str:
    """The content of ``.env.example``."""
    head = """Settings of 街安. Written by `./jiean env-example > .env.example`: do not edit.
Every line shows a default. ▲ = our number, free to change; a clause number = the standard's.
Set them in the environment of the process, for example: set -a; . ./.env; set +a"""
    return environ.example(Settings, PREFIX, head)


def main_env_example(argv: list[str]) -> int:
    """``jiean env-example``: print every setting with its meaning and default."""
    if argv:
        sys.stderr.write("usage: jiean env-example > .env.example\n")
        return 0 if argv[0] in ("-h", "--help") else 2
    sys.stdout.write(example_text())
    return 0
