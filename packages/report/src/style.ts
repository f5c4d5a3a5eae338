/** The report's style sheet: light and dark by the reader's preference, no outside resources. */
export const style = `
:root { color-scheme: light dark; --bg: #f7f7f5; --card: #fff; --text: #1d2126; --soft: #667078; --line: #dcdfe2;
  --up: #19743c; --down: #b3261e; --accent: #2458a6; --c0: #2458a6; --c1: #c2571a; --c2: #2a8452; --c3: #8a3f9e;
  --c4: #a08400; --c5: #b0305c; }
@media (prefers-color-scheme: dark) { :root { --bg: #15181b; --card: #1e2226; --text: #e4e7ea; --soft: #98a2ab;
  --line: #343a40; --up: #6fce92; --down: #ff8a80; --accent: #8ab4f8; --c0: #8ab4f8; --c1: #f3a469; --c2: #77d19c;
  --c3: #d59be6; --c4: #dfc659; --c5: #f08bab; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1240px; padding: 24px; background: var(--bg); color: var(--text);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 24px; margin: 0; } h2 { font-size: 19px; margin: 36px 0 12px; } h3 { font-size: 16px; margin: 0; }
p { margin: 4px 0; } a { color: var(--accent); }
.facts { display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 10px 0; padding: 0; list-style: none; }
.facts span, .soft, .id, figcaption { color: var(--soft); }
.notes { border-left: 3px solid var(--down); padding: 4px 12px; margin: 12px 0; }
.missing { color: var(--soft); font-style: italic; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(340px, 1fr)); gap: 14px; }
.chart, .task, .step > summary { background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.chart { margin: 0; padding: 10px 12px; } .chart figcaption { font-weight: 600; color: var(--text); font-size: 14px; }
.chart svg { width: 100%; height: auto; display: block; } .chart text { fill: var(--soft); font-size: 10px; }
.grid { stroke: var(--line); } .line { fill: none; } .raw { opacity: .28; } .mean { stroke-width: 2; stroke-linecap: round; }
.hover { fill: transparent; } .hover:hover { fill: var(--soft); fill-opacity: .15; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 14px; margin: 4px 0 0; padding: 0; font-size: 13px; }
.legend i { display: inline-block; width: 14px; height: 3px; background: currentColor; margin-right: 6px; vertical-align: middle; }
.c0 { stroke: var(--c0); } .c1 { stroke: var(--c1); } .c2 { stroke: var(--c2); } .c3 { stroke: var(--c3); }
.c4 { stroke: var(--c4); } .c5 { stroke: var(--c5); }
.legend .c0 i { color: var(--c0); } .legend .c1 i { color: var(--c1); } .legend .c2 i { color: var(--c2); }
.legend .c3 i { color: var(--c3); } .legend .c4 i { color: var(--c4); } .legend .c5 i { color: var(--c5); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 8px; text-align: right; border-bottom: 1px solid var(--line); font-weight: normal; }
th:first-child, td:first-child { text-align: left; } thead th, .scores th { white-space: nowrap; } thead th { color: var(--soft); }
.scores { background: var(--card); margin-bottom: 14px; } .scores thead th[colspan] { text-align: center; }
.up { color: var(--up); } .down, .bad { color: var(--down); }
.step { margin-bottom: 12px; } .step > summary { padding: 10px 14px; cursor: pointer; font-weight: 600; }
.task { margin: 12px 0; padding: 14px; } .task > header { display: flex; gap: 18px; align-items: flex-start; flex-wrap: wrap; }
.tags span { display: inline-block; border: 1px solid var(--line); border-radius: 10px; padding: 0 8px; margin: 2px 6px 2px 0; font-size: 13px; }
.id { font-size: 12px; }
.chains { display: grid; grid-template-columns: repeat(auto-fill, minmax(340px, 1fr)); gap: 12px; margin-top: 12px; }
.chain { border: 1px solid var(--line); border-radius: 6px; padding: 10px 12px; min-width: 0; } .chain.out { border-style: dashed; }
.chain:target { outline: 2px solid var(--accent); }
.chain > header { display: flex; justify-content: space-between; gap: 8px; }
.badge { color: var(--up); } .badge.out { color: var(--soft); }
.pictures { display: flex; gap: 10px; margin: 6px 0; } .pictures figure { margin: 0; } figcaption { font-size: 12px; }
.pictures img, .nopicture { width: 96px; height: 96px; image-rendering: pixelated; border: 1px solid var(--line); display: block; }
.nopicture { color: var(--soft); font-size: 12px; padding: 30px 8px; text-align: center; }
.label { color: var(--soft); font-size: 13px; } .verdict { font-weight: 600; } .verdict.fix { color: var(--c1); } .verdict.ok { color: var(--up); }
.why, .against { font-size: 13px; color: var(--soft); } .rewards, .checklist { font-size: 13px; margin-top: 6px; }
.exact { color: var(--soft); } .checklist summary { cursor: pointer; } .checklist table { width: 100%; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px; overflow-x: auto; font-size: 13px; }
`;
