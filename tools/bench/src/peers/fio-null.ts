import { execFileSync } from 'node:child_process';
import { readIops } from './fio-json.ts';
import { missingPrograms, type Peer } from './peer.ts';

const JOB = ['--name=null', '--ioengine=null', '--size=512M', '--rw=randread', '--bs=4k', '--iodepth=32'];

/** What a load generator in C needs for an I/O that does nothing: no queue, no controller, no byte moved. */
export const fioNull: Peer = {
  name: "fio's null engine",
  operation: '4 KiB random read that moves nothing',
  missing: () => missingPrograms('fio'),
  measure: () => {
    const time = ['--runtime=3', '--time_based', '--output-format=json'];
    return readIops(execFileSync('fio', [...JOB, ...time], { encoding: 'utf8' }));
  },
};
