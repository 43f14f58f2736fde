"""The only plain-HTTP page of ``jiean demo --lan``: how to trust this machine, then open the app.

It gives out a public certificate and words, and nothing else.
"""

import segno
from litestar import Litestar, MediaType, Response, get

from backend.demo.trust import Trust

_STEPS = {
    "安卓、鸿蒙 Android, HarmonyOS": (
        "/jiean.crt",
        "下载证书 Download the certificate",
        (
            ("点上面的按钮，下载证书。", "Tap the button above."),
            (
                "设置 → 安全 → 加密与凭据 → 安装证书 → CA 证书（找不到时在设置里搜“证书”）。",
                "Settings → Security → Encryption &amp; credentials → Install a certificate "
                "→ CA certificate (or search the settings for “certificate”).",
            ),
            ("仍然安装，选择 jiean.crt。", "Install anyway, and choose jiean.crt."),
        ),
    ),
    "iPhone、iPad": (
        "/jiean.mobileconfig",
        "下载描述文件 Download the profile",
        (
            ("用 Safari 打开本页，点上面的按钮，允许。", "In Safari, tap the button above; Allow."),
            (
                "设置 → 已下载描述文件 → 安装。",
                "Settings → Profile Downloaded → Install.",
            ),
            (
                "设置 → 通用 → 关于本机 → 证书信任设置 → 打开“街安演示 CA”的开关。",
                "Settings → General → About → Certificate Trust Settings → switch on the "
                "authority of 街安.",
            ),
        ),
    ),
    "电脑 Computer": (
        "/jiean.crt",
        "下载证书 Download the certificate",
        (
            (
                "在浏览器的证书设置里导入为“受信任的根证书颁发机构”。",
                "Import it in the browser's certificate settings as a trusted authority.",
            ),
        ),
    ),
}

_STYLE = """:root{color-scheme:light dark;--paper:#f5f6f3;--surface:#fff;--ink:#0f1720;
--ink-2:#44505c;--line:#d8dde0;--canal:#095660;--on-canal:#fff;--notice:#754600}
@media(prefers-color-scheme:dark){:root{--paper:#0a1016;--surface:#121a22;--ink:#edf2f5;
--ink-2:#b9c4cd;--line:#26323d;--canal:#63c7d1;--on-canal:#06222a;--notice:#ffc35c}}
*{box-sizing:border-box}body{margin:0;font:18px/1.5 system-ui,"PingFang SC","HarmonyOS Sans SC",
"Noto Sans CJK SC",sans-serif;background:var(--paper);color:var(--ink)}
main{max-width:1040px;margin:0 auto;padding:24px 16px 48px}h1{font-size:28px;line-height:1.25;
margin:0 0 4px}h2{font-size:22px;margin:28px 0 12px}h3{font-size:18px;margin:0 0 12px}
p{color:var(--ink-2);margin:8px 0 12px}.cards+p{margin-top:20px}b{color:var(--notice)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(300px,100%),1fr));gap:16px}
.card{background:var(--surface);border:1px solid var(--line);border-radius:14px;padding:16px}
a.go{display:grid;place-items:center;min-height:64px;border-radius:14px;padding:8px 16px;
background:var(--canal);color:var(--on-canal);font-weight:700;text-decoration:none;
text-align:center}a.go:focus-visible{outline:3px solid var(--canal);outline-offset:3px}
ol{padding-left:24px;margin:16px 0 0}li{margin:0 0 10px}li span{display:block;color:var(--ink-2);
font-size:16px}code{overflow-wrap:anywhere;font-size:15px}
.codes{display:none}@media(min-width:760px){.codes{display:grid}}
.codes svg{display:block;width:220px;height:220px;background:#fff;border-radius:8px;
margin:0 auto 12px}.codes .card{text-align:center}"""


def create_door(trust: Trust, *, here: str, app: str) -> Litestar:
    """The little application.

    Args:
        trust: whose authority is given out.
        here: this page's own address in the network.
        app: the address that opens the app.
    """
    html = _page(trust, here, app).encode()
    headers = {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }

    @get("/", sync_to_thread=False)
    def page() -> Response[bytes]:
        """The steps."""
        return Response(html, media_type=MediaType.HTML, headers=headers)

    @get("/jiean.crt", sync_to_thread=False)
    def certificate() -> Response[bytes]:
        """For everything but an iPhone."""
        named = {"Content-Disposition": 'attachment; filename="jiean.crt"'}
        return Response(
            trust.der(), media_type="application/x-x509-ca-cert", headers=headers | named
        )

    @get("/jiean.mobileconfig", sync_to_thread=False)
    def profile() -> Response[bytes]:
        """For an iPhone."""
        return Response(
            trust.profile(), media_type="application/x-apple-aspen-config", headers=headers
        )

    return Litestar([page, certificate, profile], openapi_config=None, logging_config=None)


def _page(trust: Trust, here: str, app: str) -> str:
    ways = "".join(
        f'<section class="card"><h3>{who}</h3><a class="go" href="{file}">{word}</a><ol>'
        + "".join(f'<li>{zh}<span lang="en">{en}</span></li>' for zh, en in steps)
        + "</ol></section>"
        for who, (file, word, steps) in _STEPS.items()
    )
    codes = "".join(
        f'<div class="card">{segno.make(url, micro=False).svg_inline(border=3, omitsize=True)}'
        f"<h3>{word}</h3><code>{url}</code></div>"
        for word, url in (("① 手机扫这里 Scan first", here), ("② 信任后扫这里 Then scan", app))
    )
    return f"""<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>街安演示 · 手机</title>
<style>{_STYLE}</style></head><body><main>
<h1>让手机信任这台电脑<br><span lang="en">Let the phone trust this computer</span></h1>
<p><b>演练：不会联系任何真实人员。</b>
<span lang="en">Exercise: nobody real is ever reached.</span></p>
<div class="cards codes">{codes}</div>
<h2>① 信任 <span lang="en">Trust</span></h2><div class="cards">{ways}</div>
<p>核对指纹 <span lang="en">Compare the SHA-256 fingerprint with the terminal</span>：<br>
<code>{trust.fingerprint}</code></p>
<p>证书只对本网络的地址有效，会自行到期；演示后请从手机中删除。<span lang="en">It is good for
addresses of this network only and ends by itself; remove it from the phone afterwards.</span></p>
<h2>② 打开 <span lang="en">Open</span></h2>
<a class="go" href="{app}">打开街安 Open 街安</a>
<p>然后用浏览器菜单“添加到主屏幕”，离线也能打开。<span lang="en">Then “Add to home screen” in the
browser's menu: it opens with no network too.</span></p>
</main></body></html>"""
