"""How the page looks: by light and dark, on a phone, on paper."""

CSS = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #262626; --grey: #595959; --rule: #d9d9d9;
  --wash: #f4f4f2; --blue: #0072b2; --vermilion: #d55e00; --link: #00598c;
  --pass: #00684c; --fail: #a33f00; --unknown: #6b5500; }
@media (prefers-color-scheme: dark) { :root { --paper: #17191c; --ink: #e6e6e6; --grey: #ababab;
  --rule: #3d4046; --wash: #202328; --blue: #56b4e9; --vermilion: #f0803c; --link: #8cc8f0;
  --pass: #4fd1a5; --fail: #ff9d66; --unknown: #e6c84f; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
main, header, footer { max-width: 58rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2rem; }
h1 { font-size: 1.05rem; font-weight: 600; margin: 0; color: var(--grey); }
h2 { font-size: 1.25rem; line-height: 1.25; margin: 0 0 .5rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
p { margin: .5rem 0; max-width: 46rem; }
section { margin: 2.5rem 0; }
a { color: var(--link); }
code, pre { font: .875em/1.5 ui-monospace, "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code { overflow-wrap: anywhere; }
pre { background: var(--wash); border-radius: 6px; padding: .75rem 1rem; white-space: pre-wrap;
  overflow-wrap: anywhere; margin: .5rem 0; }
.sentence { font-size: 1.35rem; line-height: 1.4; margin: .75rem 0; max-width: none; }
.long { font-size: 1.1rem; }
.word { display: inline-block; font-weight: 700; font-size: .95rem; letter-spacing: .04em; border: 2px solid;
  border-radius: 6px; padding: 0 .55rem; margin-right: .3rem; }
.pass { color: var(--pass); } .fail { color: var(--fail); } .unknown { color: var(--unknown); }
.held { color: var(--pass); font-weight: 600; white-space: nowrap; }
.broken { color: var(--fail); font-weight: 700; white-space: nowrap; }
.facts { color: var(--grey); font-size: .9rem; }
.fact { display: inline-block; margin-right: 1.1rem; }
.notice { border-left: 4px solid var(--unknown); background: var(--wash); padding: .6rem 1rem; margin: 1rem 0;
  max-width: none; }
.notice ul { margin: .25rem 0; padding-left: 1.25rem; }
.scroll { overflow-x: auto; max-width: 100%; }
.scroll:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
table { border-collapse: collapse; font-size: .9rem; margin: 0 0 .5rem; font-variant-numeric: tabular-nums; }
.caption { color: var(--grey); font-size: .85rem; margin: 1rem 0 .1rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem 1rem .3rem 0;
  border-bottom: 1px solid var(--rule); }
thead th { font-weight: 600; color: var(--grey); vertical-align: bottom; }
tbody th { font-weight: 500; }
.number { text-align: right; } td.number { white-space: nowrap; }
td code, th code { overflow-wrap: normal; white-space: nowrap; }
td { min-width: 4rem; }
.prose { min-width: 11rem; }
#expectations td { white-space: nowrap; }
figure { margin: .5rem 0; }
figure svg { display: block; width: 100%; min-width: 38rem; height: auto; }
figure svg * { stroke-linejoin: round; stroke-linecap: butt; }
figure svg text { fill: var(--ink);
  font-family: "DejaVu Sans", Verdana, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
figcaption { color: var(--grey); font-size: .875rem; max-width: 46rem; }
.whole { white-space: nowrap; }
details { margin: .5rem 0; }
summary { cursor: pointer; color: var(--link); font-size: .9rem; }
summary.order { color: var(--ink); }
nav { font-size: .9rem; margin: 1rem 0 0; }
nav a { margin-right: .9rem; display: inline-block; }
footer { color: var(--grey); font-size: .85rem; padding-bottom: 3rem; border-top: 1px solid var(--rule); }
@media (max-width: 40rem) { .sentence { font-size: 1.15rem; } .long { font-size: 1rem; }
  header { padding-top: 1rem; } section { margin: 2rem 0; } }
@media print { @page { margin: 14mm; } nav { display: none; }
  :root { color-scheme: light; --paper: #ffffff; --ink: #000000; --grey: #404040; --rule: #bfbfbf;
    --wash: #f4f4f2; --blue: #0072b2; --vermilion: #d55e00; --link: #000000; --pass: #00543d;
    --fail: #8a3500; --unknown: #5c4900; }
  body { font-size: 10pt; } main, header, footer { max-width: none; padding: 0; }
  figure, tr, .notice { break-inside: avoid; } h2, h3, .caption, summary { break-after: avoid; }
  table { font-size: 8.5pt; } .number { white-space: normal; } th, td { padding-right: .6rem; }
  .scroll { overflow: visible; } figure svg { min-width: 0; }
  td code, th code { white-space: normal; }
  details::details-content { content-visibility: visible; height: auto; } }
"""
