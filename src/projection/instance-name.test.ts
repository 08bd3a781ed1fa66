import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { platform } from 'node:os';
import { describe, it } from 'node:test';
import { instanceName, isGone } from './instance-name.ts';

/** The instance name of a process that has ended. */
async function nameOfEndedProcess(): Promise<string> {
  const child = spawn(process.execPath, ['--eval', '']);
  const name = instanceName('trend').replace(`:${process.pid}-`, `:${child.pid}-`);
  await once(child, 'exit');
  return name;
}

describe('an instance', () => {
  it('has a new name every time', () => {
    assert.notEqual(instanceName('trend'), instanceName('trend'));
  });

  it('is not gone while its process runs', () => {
    assert.equal(isGone(instanceName('trend')), false);
  });

  it('is gone when its process has ended, on systems that name the boot and the container of a process', async () => {
    assert.equal(isGone(await nameOfEndedProcess()), platform() === 'linux');
  });

  it('is not reported gone when it runs elsewhere under the same host name, or has another kind of name', async () => {
    const dead = await nameOfEndedProcess();
    assert.equal(isGone(dead.replace(/:[\da-f]{16}:/, ':0123456789abcdef:')), false);
    assert.equal(isGone(dead.replace(/:[\da-f]{16}:/, ':-:')), false);
    assert.equal(isGone('somebody'), false);
  });
});
