"""What the tests need from the machine: a Chromium, a Chinese font, a mosquitto.

Finds each; where one is missing and can be had without asking, installs it and says so. Nothing
here is needed to run the product.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PLAYWRIGHT = Path("~/.cache/ms-playwright").expanduser()
POLICY = Path("/usr/sbin/policy-rc.d")


def say(text: str) -> None:
    """One progress line, in the voice of the bootstrap."""
    print(f"[街安] {text}", file=sys.stderr, flush=True)


def chromium() -> Path | None:
    """The Chromium to test with: the one named by ``JIEAN_CHROMIUM``, else one that is here."""
    named = os.environ.get("JIEAN_CHROMIUM")
    if named:
        return Path(named)
    for name in BROWSERS:
        if found := shutil.which(name):
            return Path(found)
    own = sorted(PLAYWRIGHT.glob("chromium-*/chrome-linux*/chrome"))
    return own[-1] if own else None


def mosquitto() -> Path | None:
    """A mosquitto to start ourselves; Debian puts it where a user's PATH may not look."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    return Path(found) if found else None


def has_chinese_font() -> bool:
    """True where a page in Chinese would not be drawn as boxes."""
    try:
        listed = subprocess.run(["fc-list", ":lang=zh-cn"], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return bool(listed.stdout.strip())


def _is_debian() -> bool:
    """Only Debian's own package is a real Chromium; Ubuntu's is a stub that wants snap."""
    release = Path("/etc/os-release")
    return release.is_file() and "ID=debian" in release.read_text("utf-8").splitlines()


@contextlib.contextmanager
def _no_service_starts() -> Iterator[None]:
    """Debian's own way to install a daemon without starting it, undone afterwards."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)


def _apt(packages: list[str]) -> bool:
    """Install Debian packages; False where this machine is not ours to change or it fails."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    say(f"apt-get install {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _no_service_starts():
        for command in (
            ["apt-get", "-qq", "update"],
            ["apt-get", "-qq", "install", "-y", "--no-install-recommends", *packages],
        ):
            done = subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode:
            say("\n".join(done.stderr.splitlines()[-5:]))
            return False
    if "mosquitto" in packages and shutil.which("systemctl"):
        subprocess.run(["systemctl", "disable", "mosquitto"], capture_output=True, check=False)
    return True


def _playwright() -> None:
    """Chromium into the user's own cache, where apt is not possible."""
    say("playwright install chromium")
    subprocess.run(
        [sys.executable, "-m", "playwright", "install", "chromium"],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        check=False,
    )


def prepare() -> None:
    """Install what is missing; say what stays missing and what that skips."""
    packages = []
    if chromium() is None:
        say("没有 Chromium，正在安装 No Chromium here: installing one")
        if _is_debian():
            packages.append("chromium")
    if not has_chinese_font():
        packages += ["fontconfig", "fonts-noto-cjk"]
    if mosquitto() is None:
        packages.append("mosquitto")
    if packages:
        _apt(packages)
    if chromium() is None:
        _playwright()
    if chromium() is None:
        say("✗ 没有 Chromium，浏览器测试将跳过 No Chromium: browser tests will be skipped")
    if not has_chinese_font():
        say("! 没有中文字体 No Chinese font: screenshots will show boxes (fonts-noto-cjk)")
    if mosquitto() is None:
        say("! 没有 mosquitto，部分测试将跳过 No mosquitto: its tests will be skipped")
