// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/parts.h"

namespace dpinholer::report {

std::string_view style() {
  return R"(
:root{--bg:#f6f7f8;--card:#fff;--fg:#1b1f24;--soft:#5c6570;--line:#d8dce1;--sip:#2456b8;--ok:#13713f;--okbg:#e3f4ea;--bad:#b3261e;
--badbg:#fdeceb;--warn:#8a5300;--media:#0b7a70;--any:#e2a93b;--bound:#2fa58f;--chip:#e8ecf0;--n:#27313b;--nfg:#fff}
@media screen and (prefers-color-scheme:dark){:root{--bg:#12151a;--card:#1a1f25;--fg:#e5e8ec;--soft:#9aa4af;
--line:#313942;--sip:#86b0ff;--ok:#63d296;--okbg:#16331f;--bad:#ff8f86;--badbg:#3a1f1f;--warn:#f0b75e;--media:#53cdbd;--any:#c58f2c;
--bound:#258a77;--chip:#2a323b;--n:#dfe5ea;--nfg:#12151a}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.45 system-ui,sans-serif;print-color-adjust:exact;
-webkit-print-color-adjust:exact}
main{max-width:64rem;margin:0 auto;padding:1rem}
h1{font-size:1.35rem;margin:.4rem 0 .8rem;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:1.6rem 0 .5rem}
.call h2{font-size:1.05rem;margin:0 0 .2rem;overflow-wrap:anywhere}
bdi.id{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}
small{color:var(--soft);font-size:.82em;white-space:nowrap}
a{color:var(--sip)}
.sub{color:var(--soft);margin:0 0 .7rem;font-size:.9rem}
.v{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(6.6rem,1fr));gap:.5rem;margin:0 0 1rem}
.figures div{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.4rem .7rem}
.figures dt{color:var(--soft);font-size:.78rem;white-space:nowrap}
.figures dd{margin:0;font-size:1.05rem;white-space:nowrap;font-variant-numeric:tabular-nums}
.figures .grave dd{color:var(--bad)}
.error{background:var(--badbg);border-left:4px solid var(--bad);padding:.5rem .8rem;overflow-wrap:anywhere}
.chip{display:inline-block;font:600 .78rem/1.5 system-ui,sans-serif;padding:.05rem .6rem;border-radius:1rem;
background:var(--chip);white-space:nowrap}
.chip.good{background:var(--okbg);color:var(--ok)}
.chip.trouble{background:var(--badbg);color:var(--bad)}
.call,.rest,.legend{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1rem;
margin:1rem 0}
.rest h2,.legend h2{margin-top:0}
.findings{list-style:none;margin:0 0 1rem;padding:0}
.findings li{border-left:4px solid var(--line);padding:.35rem .7rem;margin:.3rem 0;overflow-wrap:anywhere}
.findings .trouble{border-color:var(--bad);background:var(--badbg)}
.left-out{color:var(--warn);font-size:.9rem}
.drop{color:var(--bad)}

.ladder{--lane:2.4rem;--bar:1.15rem;overflow-x:auto;margin:0 0 .6rem;padding-bottom:.8rem;font-size:.85rem}
.ladder ol{list-style:none;margin:0;padding:0;display:grid;align-items:end;min-width:min-content}
.ladder li{display:contents}
.party{text-align:center;font-weight:600;padding:.1rem .3rem .4rem;overflow-wrap:anywhere;align-self:end}
.heads{color:var(--soft);font-size:.72rem;text-align:right;padding-bottom:.4rem;white-space:nowrap;
direction:rtl;min-width:0;width:0;justify-self:end}
.deaf{display:block;color:var(--bad);font-size:.72rem}
.life{justify-self:center;align-self:stretch;width:0;border-left:1px solid var(--line)}
.t{color:var(--soft);font-size:.78rem;padding-right:.5rem;font-variant-numeric:tabular-nums;text-align:right;
transform:translateY(.55em)}
.msg{--c:var(--sip);position:relative;text-align:center;padding:.45rem .6rem .15rem;margin:0 1px;line-height:1.3;
border-bottom:2px solid var(--c);min-width:0}
.lb{position:relative;background:var(--card)}.lb b{white-space:nowrap}
.msg::after{content:"";position:absolute;bottom:-6px;border:5px solid transparent}
.right::after{right:0;border-left:9px solid var(--c);border-right:0}
.left::after{left:0;border-right:9px solid var(--c);border-left:0}
.self{border-bottom-style:double;border-bottom-width:4px}
.re{border-bottom-style:dashed}
.good{--c:var(--ok)}.bad{--c:var(--bad)}
.media{--c:var(--media);border-bottom-width:5px}
.msg.media::after{bottom:-10px;border-width:8px}
.media.right::after{border-left-width:11px}.media.left::after{border-right-width:11px}
.lost{--c:var(--bad);border-bottom-style:dotted}
.tag{font-size:.72rem;border:1px solid currentcolor;border-radius:.25rem;padding:0 .25rem;color:var(--soft);
white-space:nowrap}
.tag.warn{color:var(--bad)}.tag.again{border-style:dotted}
.did{display:flex;flex-wrap:wrap;justify-content:center;gap:0 .8rem;color:var(--soft);font-size:.78rem;
padding:.3rem .2rem .1rem;position:relative}
.did>span{background:var(--card);overflow-wrap:anywhere}
.did .refused{color:var(--bad);font-weight:600}
.gap,.timer{text-align:center;padding:.6rem 0 .2rem;color:var(--soft);position:relative}
.gap{color:var(--warn)}
.n{display:inline-block;min-width:1.05rem;margin:0 .06rem;font:600 .66rem/1.05rem system-ui,sans-serif;
text-align:center;border-radius:.2rem;background:var(--n);color:var(--nfg);font-style:normal}
.bar{align-self:stretch;justify-self:center;width:.72rem;border:1px solid var(--fg);margin-top:.3rem;
background:var(--bound);min-height:.6rem;display:block;position:relative}
.bar.any{background:repeating-linear-gradient(45deg,var(--any) 0 3px,var(--card) 3px 6px)}
.bar.on{border-bottom:0;margin-bottom:-.3rem}
.bar.rtcp{width:.4rem}
.bar.open{border-bottom:0;-webkit-mask:linear-gradient(#000 75%,transparent);mask:linear-gradient(#000 75%,transparent)}
.bar .n{position:absolute;top:-.2rem;left:50%;transform:translateX(-50%);margin:0}

table{border-collapse:collapse;width:100%;font-size:.85rem;margin:0 0 1rem;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.3rem 0}
th{text-align:left;color:var(--soft);font-weight:500}
th,td{padding:.25rem .6rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}
.ep{overflow-wrap:anywhere}
.legend dl{display:grid;grid-template-columns:4rem 1fr;gap:.5rem 1rem;align-items:center;margin:0}
.legend dd{margin:0}
.key{--c:var(--sip);display:block;border-bottom:2px solid var(--c)}
.key.re{border-bottom-style:dashed}
.key.media{--c:var(--media);border-bottom-width:5px}
.key.lost{--c:var(--bad);border-bottom-style:dotted}
.bar.key{height:1.4rem;margin:0 auto;border:1px solid var(--fg)}
@media screen and (max-width:40rem){
main{padding:.6rem}.call,.rest,.legend{padding:.7rem}.ladder{--lane:2rem;--bar:.95rem;font-size:.78rem}.n{min-width:.9rem;font-size:.6rem;line-height:.95rem}.msg{padding-inline:.25rem}
.t{padding-right:.25rem;font-size:.7rem}.ph{display:none}.party{font-size:.68rem;padding-inline:1px}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table,tbody,caption{display:block}
tr{display:grid;grid-template-columns:repeat(auto-fill,minmax(6.2rem,1fr));gap:.1rem .8rem;border-bottom:1px solid var(--line);padding:.4rem 0}
td{border:0;padding:0}
td::before{content:attr(data-l);display:block;color:var(--soft);font-size:.72rem}
.contents td:first-child{grid-column:1/-1}}
@media print{@page{margin:12mm}
body{font-size:10pt;background:#fff}main{max-width:none;padding:0}
.call,.rest,.legend{border:0;border-top:1px solid var(--line);border-radius:0;padding:.6rem 0}
.figures{grid-template-columns:repeat(auto-fill,minmax(4.9rem,1fr));gap:.25rem}.figures div{padding:.2rem .4rem}
.figures dt{font-size:.68rem}table{font-size:8.5pt}.ladder{overflow:visible}h2,caption,.findings{break-after:avoid}tr,.msg,.did,.figures div{break-inside:avoid}}
)";
}

}  // namespace dpinholer::report
