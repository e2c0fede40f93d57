/** The look of a report: light and dark as the reader's system says, one column on a phone, black on white in print. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1f24; --soft: #59636e; --rule: #d5dae0; --card: #f5f7f9;
  --s0: #0b62c4; --s1: #b3541e; --s2: #1a7f4b; --s3: #8a3ea8; --s4: #8a6d00; --s5: #c22b58; --bad: #c21f2c; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14181d; --ink: #e6e9ed; --soft: #9aa5b1; --rule: #343c46; --card: #1d232a;
    --s0: #6cb0ff; --s1: #f0955c; --s2: #5ccb8f; --s3: #cf92e8; --s4: #d9bd4a; --s5: #ff8aac; --bad: #ff7b7b; } }
@media print {
  :root { --paper: #fff; --ink: #000; --soft: #333; --rule: #bbb; --card: #fff;
    --s0: #0b62c4; --s1: #b3541e; --s2: #1a7f4b; --s3: #8a3ea8; --s4: #8a6d00; --s5: #c22b58; --bad: #c21f2c; }
  figure, tr, .cards > div { break-inside: avoid; } h2 { break-after: avoid; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 100rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.2; overflow-wrap: anywhere; margin: .5rem 0; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--rule); }
p, figcaption { max-width: 75ch; }
.soft, figcaption { color: var(--soft); } figcaption b { color: var(--ink); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .6rem; margin: .8rem 0; }
.cards > div { background: var(--card); border: 1px solid var(--rule); border-radius: .4rem; padding: .5rem .7rem; }
.cards dt { color: var(--soft); font-size: .85rem; } .cards dd { margin: 0; font-size: 1.15rem; font-weight: 600; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); gap: 1rem; }
figure { margin: 0; padding: .6rem; border: 1px solid var(--rule); border-radius: .4rem; min-width: 0; max-width: 50rem; }
.plot > svg { display: block; width: 100%; height: auto; margin-top: .4rem; }
svg text { fill: var(--soft); font: 11.5px system-ui, sans-serif; }
.grid { stroke: var(--rule); } .line { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.area { opacity: .18; stroke: none; }
.limit { stroke: var(--bad); stroke-dasharray: 6 3; } text.limit { stroke: none; fill: var(--bad); }
.mark { stroke: var(--bad); stroke-width: 1.5; }
.line.s0 { stroke: var(--s0); } .line.s1 { stroke: var(--s1); stroke-dasharray: 5 2; } .line.s2 { stroke: var(--s2); stroke-dasharray: 2 2; }
.line.s3 { stroke: var(--s3); stroke-dasharray: 8 2 2 2; } .line.s4 { stroke: var(--s4); stroke-dasharray: 1 3; } .line.s5 { stroke: var(--s5); }
.area.s0, .bar.s0 { fill: var(--s0); } .bar.s1 { fill: var(--s1); } .bar.s2 { fill: var(--s2); } .bar.s3 { fill: var(--s3); } .bar.s4 { fill: var(--s4); } .bar.s5 { fill: var(--s5); }
.box { fill: var(--card); stroke: var(--rule); } .wire { fill: none; stroke: var(--soft); } svg text.name { fill: var(--ink); font-weight: 600; }
.edge { fill: var(--rule); } .edge.disk { fill: var(--s0); } .edge.peer { fill: var(--s3); } .edge.iommu { fill: var(--s1); } .edge.memory, .edge.cpu { fill: var(--s2); }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; list-style: none; margin: .4rem 0 0; padding: 0; font-size: .85rem; }
.legend li { overflow-wrap: anywhere; } .legend svg { width: 28px; height: 10px; margin-right: .4rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0; }
th, td { padding: .2rem .8rem .2rem 0; text-align: right; vertical-align: top; border-bottom: 1px solid var(--rule); }
th { color: var(--soft); font-weight: 600; } .text { text-align: left; }
pre { overflow-x: auto; padding: .6rem; background: var(--card); border: 1px solid var(--rule); border-radius: .4rem; }
.good::before { content: "\\2713  "; color: var(--s2); } .bad { color: var(--bad); font-weight: 600; }
`;
