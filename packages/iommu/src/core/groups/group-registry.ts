import { IommuUsageError } from '../errors.ts';
import type { KernelContext } from '../kernel-context.ts';
import { defaultDomainType } from '../policy/default-domain-type.ts';
import type { DefaultPolicy } from '../policy/default-policy.ts';
import { DomainType, type GroupDevice, type IommuDomain, type IommuDriver } from './iommu-domain.ts';
import { type GroupTrace, IommuGroup } from './iommu-group.ts';

const ENOMEM = -12;

/** A device with the group that it has to join, or null for one of its own: `pciDeviceGroup` tells (spec I121). */
export type GroupFinder<Device extends GroupDevice> = (
  device: Device,
  groupOf: (device: Device) => IommuGroup | null,
) => IommuGroup | null;

/**
 * All groups behind one IOMMU driver: places devices and gives each group its default domain, in the order of a boot (spec I130).
 */
export class GroupRegistry<Device extends GroupDevice> {
  readonly #context: KernelContext;
  readonly #trace: GroupTrace;
  readonly #driver: IommuDriver;
  readonly #policy: DefaultPolicy;
  readonly #findGroup: GroupFinder<Device>;
  readonly #groups = new Map<number, IommuGroup>();
  readonly #groupOf = new Map<Device, IommuGroup>();

  constructor(
    context: KernelContext,
    trace: GroupTrace,
    driver: IommuDriver,
    policy: DefaultPolicy,
    findGroup: GroupFinder<Device>,
  ) {
    this.#context = context;
    this.#trace = trace;
    this.#driver = driver;
    this.#policy = policy;
    this.#findGroup = findGroup;
  }

  /** Groups by ascending id. */
  get groups(): readonly IommuGroup[] {
    return [...this.#groups.values()].sort((a, b) => a.id - b.id);
  }

  groupOf(device: Device): IommuGroup | null {
    return this.#groupOf.get(device) ?? null;
  }

  /** Boot: first every device of the bus is placed, then each group gets its domain once (spec I130). */
  probeBus(devices: readonly Device[]): void {
    for (const device of devices) this.#place(device);
    for (const group of this.groups) this.#setUpDefaultDomain(group);
  }

  /** Hot-plug: both at once (spec I130). 0 or a negative errno. */
  probe(device: Device): number {
    const { group, error } = this.#place(device);
    if (error !== 0) return error;
    return group.defaultDomain === null ? this.#setUpDefaultDomain(group) : 0;
  }

  /** The last member takes the group with it, and its id becomes free (spec I131). @throws {IommuUsageError} for a device that was never placed */
  remove(device: Device): void {
    const group = this.#groupOf.get(device);
    if (group === undefined) throw new IommuUsageError(`${device.name} is in no group`);
    group.remove(device);
    this.#groupOf.delete(device);
    if (group.members.length === 0) this.#groups.delete(group.id);
  }

  #place(device: Device): { group: IommuGroup; error: number } {
    const group = this.#findGroup(device, (other) => this.groupOf(other)) ?? this.#newGroup();
    this.#groupOf.set(device, group);
    return { group, error: group.add(device) };
  }

  #newGroup(): IommuGroup {
    let id = 0;
    while (this.#groups.has(id)) id++;
    const blocking = this.#driver.allocDomain(DomainType.BLOCKED) ?? this.#emptyDomain();
    const group = new IommuGroup(this.#context, this.#trace, this.#driver, id, blocking);
    this.#groups.set(id, group);
    return group;
  }

  /** A driver without a blocking domain blocks with an empty paging domain (spec I128). */
  #emptyDomain(): IommuDomain {
    const empty = this.#driver.allocDomain(DomainType.UNMANAGED);
    if (empty === null)
      throw new IommuUsageError(`${this.#driver.name} can make neither a blocking nor a paging domain`);
    return empty;
  }

  /** Falls back to DMA, with a warning, when the driver can't make what was chosen (spec I124). */
  #setUpDefaultDomain(group: IommuGroup): number {
    const choice = defaultDomainType(group.members, this.#driver, this.#policy);
    for (const line of choice.lines) this.#context.log(line);
    let domain = this.#driver.allocDomain(choice.type);
    if (domain === null && choice.type !== DomainType.DMA) {
      this.#context.log(`iommu: no default domain of type ${choice.type} for group ${group.id}, using DMA`);
      domain = this.#driver.allocDomain(DomainType.DMA);
    }
    return domain === null ? ENOMEM : group.setDefaultDomain(domain);
  }
}
