"""The page ``/demo``: one button per kind of alarm. It is served beside the platform, by the
demonstration itself, so a real installation does not even contain the address.
"""

from collections.abc import Callable
from typing import Any

from litestar import Litestar, MediaType, Request, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath

from backend.demo import payloads

Raise = Callable[[str], str | None]
"""Puts some detector of a kind into alarm and says where; None when all are."""

_PAGE = """<!doctype html><html lang="zh"><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>街安 · 演练</title>
<style>
:root{{color-scheme:light dark;--paper:#f5f6f3;--surface:#fff;--ink:#0f1720;--ink-2:#44505c;
--line:#d8dde0;--canal:#0b6470;--notice:#8a5200}}
@media(prefers-color-scheme:dark){{:root{{--paper:#0a1016;--surface:#121a22;--ink:#edf2f5;
--ink-2:#b9c4cd;--line:#26323d;--canal:#63c7d1;--notice:#ffc35c}}}}
body{{margin:0;font:18px/1.45 system-ui,"PingFang SC","Noto Sans CJK SC",sans-serif;
background:var(--paper);color:var(--ink)}}
main{{max-width:760px;margin:0 auto;padding:24px 16px}}h1{{font-size:24px;margin:0}}
p{{color:var(--ink-2);margin:8px 0 16px}}b{{color:var(--notice)}}
.kinds{{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:12px}}
button{{font:inherit;min-height:72px;border:1px solid var(--line);border-radius:14px;
background:var(--surface);color:inherit;cursor:pointer}}button:focus-visible{{outline:3px solid
var(--canal)}}a{{color:var(--canal)}}ol{{padding-left:20px}}
</style><main><h1>街安 · 演练 Exercise</h1>
<p><b>全部是演练，不会联系任何真实人员。</b> Nothing here reaches anybody real.<br>
<a href="{base}/login" target="_blank">打开值班台或手机 Open the desk or a phone</a></p>
<div class="kinds">{buttons}
<button data-end>全部恢复正常<br>all normal</button></div><ol id="said" aria-live="polite"></ol>
</main><script>
const said=document.getElementById('said');
document.querySelectorAll('button').forEach(b=>b.onclick=async()=>{{
const r=await fetch(b.dataset.kind?'/demo/alarms/'+b.dataset.kind:'/demo/calm',
{{method:'POST',headers:{{'X-Jiean':'1'}}}});const li=document.createElement('li');
li.textContent=r.ok?await r.text():'✗ '+r.status;said.prepend(li)}});
</script></html>"""

_WORDS = {
    "smoke": "smoke", "gas": "gas", "electric": "electrical", "structure": "building",
    "hydrant": "hydrant", "water": "water", "door": "door",
}  # fmt: skip


def create_page(base: str, raise_kind: Raise, calm: Callable[[], int]) -> Litestar:
    """The little application.

    Args:
        base: address of the platform, for the link.
        raise_kind: see ``Raise``.
        calm: ends every alarm and says how many.
    """
    buttons = "".join(
        f'<button data-kind="{kind}">{n} {payloads.NAMES[kind]}<br>{_WORDS[kind]}</button>'
        for n, kind in enumerate(payloads.KEYS, start=1)
    )
    html = _PAGE.format(base=base, buttons=buttons)

    @get(["/", "/demo"], media_type=MediaType.HTML, sync_to_thread=False)
    def page() -> str:
        """The page."""
        return html

    @post("/demo/alarms/{kind:str}", media_type=MediaType.TEXT, sync_to_thread=False)
    def alarm(kind: FromPath[str], request: Request[Any, Any, Any]) -> str:
        """Raise one."""
        _ours(request)
        if kind not in payloads.KEYS:
            raise NotFoundException("no such kind")
        return raise_kind(kind) or "全部已在报警 all of them are in alarm"

    @post("/demo/calm", media_type=MediaType.TEXT, sync_to_thread=False)
    def end(request: Request[Any, Any, Any]) -> str:
        """End all."""
        _ours(request)
        return f"{calm()} 个探测器恢复正常 detectors are normal again"

    return Litestar([page, alarm, end], openapi_config=None, logging_config=None)


def _ours(request: Request[Any, Any, Any]) -> None:
    """No other site's page may raise alarms: it cannot set this header."""
    if request.headers.get("x-jiean") != "1":
        raise PermissionDeniedException("cross-site")
