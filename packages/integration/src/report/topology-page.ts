import type { PairReport, TopologyReport } from '@dmalab/pci-p2p';
import { type Html, html } from './html.ts';
import { drawnTopology } from './machine/from-topology.ts';
import { machinePicture } from './machine/machine-picture.ts';
import { dataTable, page, type Section } from './page.ts';

/** How a map type is written in the matrix. */
const WORDS: Readonly<Record<string, string>> = {
  BUS_ADDR: 'bus address',
  THRU_HOST_BRIDGE: 'through host bridge',
  NOT_SUPPORTED: 'no',
};

/** Which devices can talk peer to peer, as a page: the machine drawn, the matrix, and each pair with its reasons. */
export function topologyPage(name: string, report: TopologyReport): string {
  const { peers, pairs, remarks, messages } = report;
  const intro = html`<p class="soft">${peers.length} functions can be one side of a transfer between peers. Rows of the table provide memory, columns reach it.</p>`;
  const kernel = messages.map(({ device, text }) => `${device === null ? '' : `${device}: `}${text}`);
  const sections: Section[] = [
    { title: 'Who reaches whom', body: matrix(report) },
    { title: 'The machine', body: machinePicture(drawnTopology(report)) },
    { title: 'Each pair', body: pairTable(pairs.filter(({ provider, client }) => provider !== client)) },
  ];
  if (kernel.length > 0)
    sections.push({ title: 'What the kernel prints', body: html`<pre>${kernel.join('\n')}</pre>` });
  if (remarks.length > 0) {
    sections.push({ title: 'Notes', body: html`<ul>${remarks.map((remark) => html`<li>${remark}</li>`)}</ul>` });
  }
  return page(`Peer to peer in ${name}`, intro, sections);
}

function matrix({ peers, pairs }: TopologyReport): Html {
  if (pairs.length === 0) return html`<p>No function has memory to offer.</p>`;
  const byNames = new Map(pairs.map((pair) => [`${pair.provider} ${pair.client}`, pair]));
  const columns = [{ name: 'memory of', isText: true }, ...peers.map((name) => ({ name, isText: true }))];
  const providers = peers.filter((name) => byNames.has(`${name} ${name}`));
  const rows = providers.map((provider) => [
    provider,
    ...peers.map((client) => (client === provider ? '' : answer(byNames.get(`${provider} ${client}`)))),
  ]);
  return dataTable(columns, rows);
}

/** A question mark where the answer rests on something that the dump does not show. */
function answer(pair: PairReport | undefined): string {
  return pair === undefined ? '' : `${WORDS[pair.type] ?? pair.type}${pair.unknown.length > 0 ? '?' : ''}`;
}

function pairTable(pairs: readonly PairReport[]): Html {
  const columns = ['memory of', 'reached by', 'how', 'path', 'why not directly', 'what would change it'];
  const rows = pairs.map((pair) => [
    pair.provider,
    pair.client,
    answer(pair),
    pair.path.join(' > '),
    [pair.why, ...pair.unknown].filter((part) => part !== '').join('; '),
    pair.remedy,
  ]);
  return dataTable(
    columns.map((name) => ({ name, isText: true })),
    rows,
  );
}
