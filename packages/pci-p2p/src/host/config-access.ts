import type { ConfigReader } from '../config/capability-walk.ts';
import type { ConfigWidth } from '../config/config-space.ts';

/** How software reaches config space: `PciFabric` is one way, a bridge to a real machine could be another. */
export interface ConfigAccess {
  /** All ones where nothing answers. */
  readConfig(domain: number, rid: number, offset: number, width: ConfigWidth): number;
  writeConfig(domain: number, rid: number, offset: number, width: ConfigWidth, value: number): void;
}

/** Config space of one function, as software sees it. */
export class ConfigWindow implements ConfigReader {
  readonly #access: ConfigAccess;
  readonly domain: number;
  readonly rid: number;

  constructor(access: ConfigAccess, domain: number, rid: number) {
    this.#access = access;
    this.domain = domain;
    this.rid = rid;
  }

  read(offset: number, width: ConfigWidth): number {
    return this.#access.readConfig(this.domain, this.rid, offset, width);
  }

  write(offset: number, width: ConfigWidth, value: number): void {
    this.#access.writeConfig(this.domain, this.rid, offset, width, value);
  }
}
