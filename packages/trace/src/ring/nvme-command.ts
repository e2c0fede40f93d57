/**
 * NVMe commands as the trace shows them: `nvme_cmd_read slba=0, len=255, ...` (spec N111). Opcode names and field
 * positions: NVM Express Base 2.0c figures 85 and 346, NVM Command Set 1.0c; the words are the trace's.
 */

const IO_NAMES: Readonly<Record<number, string>> = {
  0: 'flush',
  1: 'write',
  2: 'read',
  4: 'write_uncor',
  5: 'compare',
  8: 'write_zeroes',
  9: 'dsm',
  12: 'verify',
  13: 'resv_register',
  14: 'resv_report',
  17: 'resv_acquire',
  21: 'resv_release',
  121: 'zone_mgmt_send',
  122: 'zone_mgmt_recv',
  125: 'zone_append',
};

const ADMIN_NAMES: Readonly<Record<number, string>> = {
  0: 'delete_sq',
  1: 'create_sq',
  2: 'get_log_page',
  4: 'delete_cq',
  5: 'create_cq',
  6: 'identify',
  8: 'abort_cmd',
  9: 'set_features',
  10: 'get_features',
  12: 'async_event',
  13: 'ns_mgmt',
  16: 'activate_fw',
  17: 'download_fw',
  20: 'dev_self_test',
  21: 'ns_attach',
  24: 'keep_alive',
  25: 'directive_send',
  26: 'directive_recv',
  28: 'virtual_mgmt',
  29: 'nvme_mi_send',
  30: 'nvme_mi_recv',
  124: 'dbbuf',
  128: 'format_nvm',
  129: 'security_send',
  130: 'security_recv',
  132: 'sanitize_nvm',
  134: 'get_lba_status',
};

/** Name and arguments of a command from its dwords 10 to 15. */
export function commandText(isAdmin: boolean, opcode: number, dwords: readonly number[]): string {
  const known = isAdmin ? ADMIN_NAMES[opcode] : IO_NAMES[opcode];
  const name = known === undefined ? hex(opcode) : `${isAdmin ? 'nvme_admin_' : 'nvme_cmd_'}${known}`;
  const view = new DataView(new ArrayBuffer(24));
  for (const [n, dword] of dwords.entries()) view.setUint32(4 * n, dword, true);
  return `${name} ${isAdmin ? adminArguments(known, view) : ioArguments(known, view)}`;
}

function ioArguments(name: string | undefined, view: DataView): string {
  switch (name) {
    case 'read':
    case 'write':
    case 'write_zeroes':
    case 'zone_append':
      return (
        `slba=${view.getBigUint64(0, true)}, len=${u16(view, 8)}, ctrl=${hex(u16(view, 10))}, ` +
        `dsmgmt=${u32(view, 12)}, reftag=${u32(view, 16)}`
      );
    case 'dsm':
      return `nr=${u32(view, 0)}, attributes=${u32(view, 4)}`;
    default:
      return rawArguments(view);
  }
}

function adminArguments(name: string | undefined, view: DataView): string {
  switch (name) {
    case 'create_cq':
      return `cqid=${u16(view, 0)}, qsize=${u16(view, 2)}, cq_flags=${hex(u16(view, 4))}, irq_vector=${u16(view, 6)}`;
    case 'create_sq':
      return `sqid=${u16(view, 0)}, qsize=${u16(view, 2)}, sq_flags=${hex(u16(view, 4))}, cqid=${u16(view, 6)}`;
    case 'delete_sq':
      return `sqid=${u16(view, 0)}`;
    case 'delete_cq':
      return `cqid=${u16(view, 0)}`;
    case 'identify':
      return `cns=${view.getUint8(0)}, ctrlid=${u16(view, 2)}`;
    case 'set_features':
      return `fid=${hex(view.getUint8(0))}, sv=${hex(view.getUint8(3) & 8)}, cdw11=${hex(u32(view, 4))}`;
    case 'get_features':
      return `fid=${hex(view.getUint8(0))}, sel=${hex(view.getUint8(1) & 7)}, cdw11=${hex(u32(view, 4))}`;
    case 'format_nvm':
      return formatArguments(view.getUint8(0), view.getUint8(1));
    case 'get_lba_status':
      return (
        `slba=0x${view.getBigUint64(0, true).toString(16)}, mndw=${hex(u32(view, 8))}, ` +
        `rl=${hex(u16(view, 12))}, atype=${view.getUint8(15)}`
      );
    default:
      return rawArguments(view);
  }
}

function formatArguments(low: number, high: number): string {
  return `lbaf=${low & 15}, mset=${(low >> 4) & 1}, pi=${low >> 5}, pil=${high & 1}, ses=${(high >> 1) & 7}`;
}

function rawArguments(view: DataView): string {
  const bytes = Array.from({ length: 24 }, (_, n) => view.getUint8(n).toString(16).padStart(2, '0'));
  return `cdw10=${bytes.join(' ')}`;
}

function u16(view: DataView, at: number): number {
  return view.getUint16(at, true);
}

function u32(view: DataView, at: number): number {
  return view.getUint32(at, true);
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
