import type { IommuTrace } from '../iommu-trace.ts';
import type { KernelContext } from '../kernel-context.ts';
import { createDirectMappings, requiresDirectMapping } from '../regions/direct-mappings.ts';
import { DomainType, type GroupDevice, type IommuDomain, type IommuDriver } from './iommu-domain.ts';

const EPERM = -1;
const EBUSY = -16;
const EINVAL = -22;
const EPROBE_DEFER = -517;

/** The events that groups emit; a `TraceRing` is one. Emit only while `on` reads true. */
export interface GroupTrace extends IommuTrace {
  intern(text: string): number;
  addDeviceToGroup(groupId: number, device: number): void;
  removeDeviceFromGroup(groupId: number, device: number): void;
  attachDeviceToDomain(device: number): void;
}

/**
 * Devices that share a domain because the IOMMU can't keep them apart (spec I121). Operations answer 0 or a negative errno.
 *
 * Invariant: all members are attached to `domain`, but for those in reset recovery. Kept by `#attachAll`.
 */
export class IommuGroup {
  readonly id: number;
  readonly driver: IommuDriver;
  readonly #context: KernelContext;
  readonly #trace: GroupTrace;
  readonly #blocking: IommuDomain;
  readonly #members: GroupDevice[] = [];
  readonly #recovering = new Set<GroupDevice>();
  #defaultDomain: IommuDomain | null = null;
  #domain: IommuDomain | null = null;
  /** Kernel drivers bound to members, while nobody else owns the group (spec I133). */
  #kernelUsers = 0;
  #owner: object | null = null;
  #ownerUses = 0;

  constructor(context: KernelContext, trace: GroupTrace, driver: IommuDriver, id: number, blocking: IommuDomain) {
    this.#context = context;
    this.#trace = trace;
    this.driver = driver;
    this.id = id;
    this.#blocking = blocking;
  }

  get members(): readonly GroupDevice[] {
    return this.#members;
  }

  /** What the members are attached to; null before the default domain is set up. */
  get domain(): IommuDomain | null {
    return this.#domain;
  }

  /** What DMA mappings use, even while another domain is attached (spec I45). */
  get defaultDomain(): IommuDomain | null {
    return this.#defaultDomain;
  }

  /** A later member is attached to whatever the group is on (spec I130). */
  add(device: GroupDevice): number {
    this.#members.push(device);
    this.#context.log(`${device.name}: Adding to iommu group ${this.id}`);
    if (this.#trace.on) this.#trace.addDeviceToGroup(this.id, this.#trace.intern(device.name));
    if (this.#domain === null) return 0;
    if (this.#defaultDomain !== null) this.#mapDirect(this.#defaultDomain, device);
    return this.#attachOne(device, this.#domain);
  }

  /** The device is blocked, or passed through if it can't be, and forgotten (spec I131). */
  remove(device: GroupDevice): void {
    const identity = requiresDirectMapping(this.driver.reservedRegions(device));
    const release = identity ? this.driver.allocDomain(DomainType.IDENTITY) : this.#blocking;
    if (release !== null) this.driver.attach(device, release);
    this.#members.splice(this.#members.indexOf(device), 1);
    if (this.#trace.on) this.#trace.removeDeviceFromGroup(this.id, this.#trace.intern(device.name));
  }

  /** Makes `domain` the default: direct mappings of every member, then all attached (spec I124, I140). */
  setDefaultDomain(domain: IommuDomain): number {
    const unmapped = this.#members.filter((device) => this.#mapDirect(domain, device) !== 0);
    const error = this.#attachAll(domain);
    if (error !== 0) return error;
    this.#defaultDomain = domain;
    for (const device of unmapped) this.#mapDirect(domain, device); // a failure is retried after attach (spec I140)
    return 0;
  }

  /** VFIO and its like: moves all members to `domain` (spec I127). */
  attach(domain: IommuDomain): number {
    if (this.#domain !== this.#defaultDomain && this.#domain !== this.#blocking) return EBUSY;
    if (domain.driver !== this.driver) return EINVAL;
    return this.#attachAll(domain);
  }

  /** The same for the only member of a group (spec I127). */
  attachDevice(device: GroupDevice, domain: IommuDomain): number {
    return this.#members.length === 1 && this.#members[0] === device ? this.attach(domain) : EINVAL;
  }

  /** Back to the default domain, or to blocking while someone owns the group (spec I127). */
  detach(): number {
    const back = this.#owner === null ? this.#defaultDomain : this.#blocking;
    return back === null ? EINVAL : this.#attachAll(back);
  }

  /** A user-space owner takes the group: nothing reaches memory until it attaches a domain (spec I128). */
  claimDmaOwner(owner: object): number {
    if (this.#owner === owner) {
      this.#ownerUses++;
      return 0;
    }
    if (this.#owner !== null || this.#kernelUsers > 0) return EPERM;
    const error = this.#attachAll(this.#blocking);
    if (error !== 0) return error;
    this.#owner = owner;
    this.#ownerUses = 1;
    return 0;
  }

  releaseDmaOwner(): void {
    if (this.#owner === null || --this.#ownerUses > 0) return;
    this.#owner = null;
    if (this.#defaultDomain !== null) this.#attachAll(this.#defaultDomain);
  }

  /** A kernel driver binds to a member (spec I133). */
  useDefaultDomain(): number {
    if (this.#defaultDomain === null) return EPROBE_DEFER;
    if (this.#owner !== null || this.#domain !== this.#defaultDomain) return EBUSY;
    this.#kernelUsers++;
    return 0;
  }

  /** A kernel driver lets go of a member. */
  unuseDefaultDomain(): void {
    if (this.#kernelUsers > 0) this.#kernelUsers--;
  }

  /**
   * Writes the group's `type` in sysfs (spec I111): DMA to DMA-FQ happens on the live domain; all else needs a group without bound
   * drivers, and a domain made by `replacement`.
   */
  setType(type: DomainType, replacement: () => IommuDomain | null): number {
    const current = this.#defaultDomain;
    if (current === null || this.#members.length === 0) return EINVAL;
    if (current.type === DomainType.DMA && type === DomainType.DMA_FQ && current.dma !== null) {
      current.dma.startFlushQueue();
      this.#rename({ ...current, type });
      return 0;
    }
    if (this.#kernelUsers > 0 || this.#owner !== null) return EPERM;
    const domain = replacement();
    return domain === null ? EINVAL : this.setDefaultDomain(domain);
  }

  /** Before a function reset: the device is blocked, the group's domain stays what it is (spec I129). */
  prepareReset(device: GroupDevice): number {
    if (this.#recovering.has(device)) return EBUSY;
    const error = this.driver.attach(device, this.#blocking);
    if (error === 0) this.#recovering.add(device);
    return error;
  }

  /** After it: the device is back on the group's domain (spec I129). */
  resetDone(device: GroupDevice): void {
    if (this.#recovering.delete(device) && this.#domain !== null) this.driver.attach(device, this.#domain);
  }

  #mapDirect({ dma, paging }: IommuDomain, device: GroupDevice): number {
    if (dma === null || paging === null) return 0;
    return createDirectMappings(paging, this.#trace, dma.granule, this.driver.reservedRegions(device));
  }

  /** The live domain is the same one, under its new type. */
  #rename(domain: IommuDomain): void {
    if (this.#domain === this.#defaultDomain) this.#domain = domain;
    this.#defaultDomain = domain;
  }

  /** In order; a failure puts the earlier ones back (spec I127). */
  #attachAll(domain: IommuDomain): number {
    if (this.#recovering.size > 0) return EBUSY;
    for (const [done, device] of this.#members.entries()) {
      const error = this.#attachOne(device, domain);
      if (error === 0) continue;
      const before = this.#domain;
      if (before !== null) for (const earlier of this.#members.slice(0, done)) this.driver.attach(earlier, before);
      return error;
    }
    this.#domain = domain;
    return 0;
  }

  #attachOne(device: GroupDevice, domain: IommuDomain): number {
    if (domain === this.#blocking && requiresDirectMapping(this.driver.reservedRegions(device))) {
      this.#context.log(`${device.name}: [Firmware Warn]: requires direct mappings, so it can't be blocked`);
      return EINVAL;
    }
    const error = this.driver.attach(device, domain);
    if (error === 0 && this.#trace.on) this.#trace.attachDeviceToDomain(this.#trace.intern(device.name));
    return error;
  }
}
