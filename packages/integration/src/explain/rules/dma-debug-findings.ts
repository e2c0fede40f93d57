/** One of dma-debug's findings (spec section 9, E1 to E24). */
export interface DebugFinding {
  readonly id: string;
  /** What the kernel says after driver and device. */
  readonly pattern: RegExp;
  readonly says: string;
  readonly causes: readonly string[];
  readonly next: readonly string[];
}

const BACKTRACE = 'the stack below the line is the call that dma-debug looked at; "Mapped at" names the map';

/** In the order of the spec's table, those of older kernels last. */
export const DEBUG_FINDINGS: readonly DebugFinding[] = [
  row(
    'E1',
    /device driver maps an invalid kernel address|device driver maps.*invalid/,
    'the driver maps a pointer that is no kernel memory',
    ['a pointer of user space, of a module, or an offset is passed to dma_map_single'],
  ),
  row('E2', /device driver maps (?:memory from )?vmalloc/, 'the driver maps vmalloc memory, which is not contiguous', [
    'the buffer was allocated with vmalloc or kvmalloc: map its pages one by one, or allocate it with kmalloc',
  ]),
  row('E3', /device driver maps memory from stack/, 'the driver maps memory on the stack of the running task', [
    'a local variable is used as DMA buffer: allocate it with kmalloc (a stack can be virtually mapped, and shares cache lines)',
  ]),
  row(
    'E4',
    /device driver maps memory from kernel text or rodata/,
    'the driver maps code or constant data of the kernel',
    ['a constant or a static const array is used as DMA buffer: copy it to allocated memory'],
  ),
  row(
    'E5',
    /(?:mapping )?resource map of RAM|device driver maps.*RAM.*resource/,
    'the driver maps ordinary memory as device registers',
    ['dma_map_resource (or DMA_ATTR_MMIO) is used for an address that is RAM'],
  ),
  row(
    'E6',
    /mapping sg segment longer than device claims to support/,
    'a segment of a list is longer than the device says that it takes',
    [
      'the driver sets no maximum segment size (the default is 64 KiB) although the device takes more',
      'the list was built without asking for the limit: the device may really not take it',
    ],
    ['dma_set_max_seg_size in the probe function, with what the hardware takes'],
  ),
  row(
    'E7',
    /mapping sg segment across boundary/,
    'a segment of a list crosses a boundary that the device must not cross',
    [
      'the list was built without asking for the boundary, or the driver sets a mask that is narrower than its hardware needs',
    ],
    ['dma_set_seg_boundary in the probe function, with what the hardware takes'],
  ),
  row(
    'E8',
    /cacheline tracking EEXIST, overlapping mappings aren't supported/,
    'a cache line is mapped twice at the same time, and the device may write it',
    [
      'two live mappings share a cache line: one buffer mapped twice, or two small buffers in one line; without coherent caches data get lost',
    ],
    ['give each buffer lines of its own (kmalloc, not parts of a structure), or unmap before mapping again'],
  ),
  row(
    'E8',
    /exceeded \d+ overlapping mappings of cacheline/,
    'a cache line is mapped more often at the same time than dma-debug can count',
    ['the same memory is mapped again and again without unmap in between: a leak, or a page that many requests share'],
    ['read /sys/kernel/debug/dma-api/dump and look for this cacheline (cln=)'],
  ),
  row(
    'E9',
    /device driver tries to free an invalid DMA memory address/,
    'the driver unmaps the error value of a failed map',
    ['the result of a map call is not checked with dma_mapping_error, and is unmapped later'],
  ),
  row(
    'E10',
    /device driver tries to free DMA memory it has not allocated/,
    'the driver unmaps an address that is not mapped',
    [
      'a double unmap, or an unmap of another address than the map returned',
      'the mapping was made for another struct device',
      'two mappings have this address and neither fits size, type and direction: dma-debug then finds none',
    ],
  ),
  row(
    'E11',
    /device driver frees DMA memory with different size/,
    'the driver unmaps another size than it mapped',
    [
      'the length was changed between map and unmap: the unmap uses the bytes transferred, or a trimmed buffer, instead of the bytes mapped',
    ],
    ['keep the mapped length beside the address and unmap with it'],
  ),
  row(
    'E12',
    /device driver frees DMA memory with wrong function/,
    'the driver ends a mapping with a call of another kind',
    ['a mapping of a list is ended with dma_unmap_single (or the other way round), or coherent memory with an unmap'],
  ),
  row(
    'E13',
    /device driver frees DMA memory with different CPU address/,
    'coherent memory is freed with another CPU address than it was allocated at',
    ['address and handle of two allocations are mixed up, or the pointer was moved'],
  ),
  row(
    'E14',
    /device driver frees DMA sg list with different entry count/,
    'a list is unmapped with another number of entries than it was mapped with',
    ['the unmap gets the number that dma_map_sg returned: it wants the number that was passed to it'],
  ),
  row(
    'E15',
    /device driver frees DMA memory with different direction/,
    'the driver unmaps with another direction than it mapped',
    ['map and unmap disagree on the direction: with bounce buffers or incoherent caches data are lost or overwritten'],
  ),
  row(
    'E16',
    /device driver failed to check map error/,
    'the driver never asked whether this mapping succeeded',
    [
      'dma_mapping_error is not called between map and unmap: under memory pressure the device is given an invalid address',
    ],
    ['call dma_mapping_error on each result before the address goes to the device'],
  ),
  row(
    'E17',
    /device driver frees DMA memory with different attributes/,
    'the driver unmaps with other attributes than it mapped',
    ['the attributes of the map are not kept: with MMIO or required-coherent memory a bounce slot leaks'],
  ),
  row(
    'E18',
    /device driver tries to sync DMA memory it has not allocated/,
    'the driver syncs an address that is not mapped',
    [
      'a sync after the unmap, or outside the mapping',
      'a sync for another struct device than the mapping was made for',
    ],
  ),
  row('E19', /device driver syncs DMA memory outside allocated range/, 'the driver syncs more than it mapped', [
    'length or offset of the sync do not fit the mapping',
  ]),
  row(
    'E20',
    /device driver syncs DMA memory with different direction/,
    'the driver syncs with another direction than it mapped',
    ['map and sync disagree on the direction'],
  ),
  row(
    'E21',
    /device driver syncs device read-only DMA memory for cpu/,
    'the driver takes memory back for reading that the device could only read',
    ['the mapping is TO_DEVICE, the sync wants data from the device: one of the two directions is wrong'],
  ),
  row(
    'E22',
    /device driver syncs device write-only DMA memory to device/,
    'the driver hands data to the device in memory that it can only write',
    ['the mapping is FROM_DEVICE, the sync passes data to the device: one of the two directions is wrong'],
  ),
  row(
    'E23',
    /device driver syncs DMA sg list with different entry count/,
    'a list is synced with another number of entries than it was mapped with',
    ['the sync gets the number that dma_map_sg returned: it wants the number that was passed to it'],
  ),
  row(
    'E24',
    /device driver has pending DMA allocations while released from device/,
    'the driver was unbound and left mappings behind',
    [
      'the remove function, or an error path of probe, does not unmap or free everything: the device could still write there',
    ],
    [
      'the leaked entry below the line tells size, direction and type of one; /sys/kernel/debug/dma-api/dump before the unbind lists all',
    ],
  ),
  // Gone since 5.10; logs of older kernels still show it.
  row(
    'D94',
    /cpu touching an active dma mapped cacheline/,
    'the CPU writes memory that a device is about to read or write',
    ['the page is changed while it is mapped: a race, or a mapping that should have been ended'],
  ),
];

function row(
  id: string,
  pattern: RegExp,
  says: string,
  causes: readonly string[],
  next: readonly string[] = [],
): DebugFinding {
  return { id, pattern, says, causes, next: [...next, BACKTRACE] };
}
