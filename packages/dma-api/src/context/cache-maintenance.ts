/** What an arch does for devices that don't snoop CPU caches (spec P73). */
export interface CacheMaintenance {
  /** Before the device looks: map, sync for device. */
  forDevice(phys: number, size: number, dir: number): void;
  /** Before the CPU looks: unmap, sync for cpu. */
  forCpu(phys: number, size: number, dir: number): void;
  /** Completion barrier after a batch of either. */
  flush(): void;
}
