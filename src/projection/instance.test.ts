import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { describe, it } from 'node:test';
import { instanceName, isGone } from './instance.ts';

describe('an instance', () => {
  it('is named differently every time', () => {
    assert.notEqual(instanceName('trend'), instanceName('trend'));
  });

  it('is not gone while its process runs', () => {
    assert.equal(isGone(instanceName('trend')), false);
  });

  it('is gone when its process has ended', async () => {
    const child = spawn(process.execPath, ['--eval', '']);
    const name = instanceName('trend').replace(`:${process.pid}-`, `:${child.pid}-`);
    await once(child, 'exit');
    assert.equal(isGone(name), true);
  });

  it('is not known to be gone when it runs on another machine, or names itself in another way', () => {
    assert.equal(isGone(instanceName('trend').replace(`@${hostname()}:`, '@elsewhere:')), false);
    assert.equal(isGone('somebody'), false);
  });
});
