// biome-ignore-all assist/source/organizeImports: a table of contents, in the order a newcomer needs it

// Read a trace.
export { readTrace, TraceReader } from './reader/trace-reader.ts';
export type { TraceReaderOptions } from './reader/trace-reader.ts';
export type { Trace, TraceCounts, TraceHeader, TraceNote } from './reader/trace.ts';

// Look at its events.
export { TraceLog } from './log/trace-log.ts';
export { EVENT_NAMES, EventKind } from './format/event-kind.ts';
export { eventAt } from './log/event-at.ts';
export type { TraceEvent } from './log/trace-event.ts';
export { StringTable } from './log/string-table.ts';

// Record the events of a model.
export { TraceRing } from './ring/trace-ring.ts';
export type { NvmeEvents } from './ring/nvme-events.ts';
export type { BlockEvents } from './ring/block-events.ts';
export type { RingContents } from './ring/ring-store.ts';
export { RingSizeError } from './ring/errors.ts';

// Print, sum up, export.
export { renderBody, renderEvent } from './render/render-event.ts';
export { renderHeader } from './render/render-header.ts';
export { Summariser, summarise } from './summary/summarise.ts';
export type { DeviceSummary, IommuSummary, NamedCount, TraceSummary } from './summary/trace-summary.ts';
export { ChromeTraceWriter, writeChromeTrace } from './export/chrome-trace.ts';
export type { ChromeCounter } from './export/chrome-trace.ts';

// Read what trace-cmd records.
export { isTraceDat } from './trace-dat/trace-dat-file.ts';
export { readTraceDat } from './trace-dat/read-trace-dat.ts';
export type { TraceDatOptions } from './trace-dat/read-trace-dat.ts';
export type { Decompress } from './trace-dat/contents.ts';
export { TraceDatError } from './trace-dat/errors.ts';
