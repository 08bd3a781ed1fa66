import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { openTestAccess, openTestServer } from '../../../../test/support/open-test-server.ts';
import { createEventSource } from '../../../events/envelope.ts';
import { decodeOperatorAction, operatorActionRecord } from '../../../events/operator-action.ts';
import { operatorRoutes } from './action-routes.ts';

const token = 'a-token-of-this-test';
const nowMs = Date.UTC(2031, 4, 4);

async function open(test: TestContext, operatorToken: string | null = token) {
  const access = openTestAccess({ operatorToken });
  const server = await openTestServer({ access });
  test.after(() => server.close());
  const decisions: object[] = [];
  operatorRoutes(server, { access, recordDecision: async (decision) => void decisions.push(decision) });
  const post = async (payload: object, headers: Record<string, string> = {}) => {
    const answer = await server.inject({ method: 'POST', url: '/api/operator/queries', payload, headers });
    return [answer.statusCode, answer.json<{ code?: string }>().code ?? null];
  };
  return { server, post, decisions };
}

describe('decisions about queries', () => {
  it('are recorded with the operator token, and in open mode', async (test) => {
    const { post, decisions } = await open(test);
    const muted = { action: 'muted', query: ' rude words ' };
    assert.deepEqual(await post(muted), [403, 'operator-only']);
    assert.deepEqual(await post(muted, { authorization: `Bearer ${token}` }), [202, null]);
    assert.deepEqual(decisions, [{ action: 'muted', query: 'rude words' }]);
    const local = await open(test, null);
    assert.deepEqual(await local.post({ action: 'unpinned', query: 'emma' }), [202, null]);
  });

  it('name a known action and a query', async (test) => {
    const { server, post, decisions } = await open(test, null);
    for (const wrong of [
      { action: 'burned', query: 'x' },
      { action: 'muted' },
      { action: 'muted', query: 'x'.repeat(201) },
    ]) {
      assert.equal((await post(wrong))[0], 400, JSON.stringify(wrong));
    }
    const unknown = { method: 'POST', url: '/api/operator/queries', payload: { action: 'mute', query: 'x' } } as const;
    assert.match(
      (await server.inject(unknown)).json<{ detail: string }>().detail,
      /action: must be one of muted, unmuted, pinned, unpinned, got "mute"/,
    );
    for (const query of [' ', '\u200B', 'a\nb'])
      assert.deepEqual(await post({ action: 'muted', query }), [400, 'malformed-query']);
    assert.deepEqual(decisions, []);
  });

  it('are read back as they were written', () => {
    const source = createEventSource('spool', () => nowMs);
    const written = { action: 'pinned', query: 'Pride & Prejudice' } as const;
    const record = operatorActionRecord('lr-operator-actions', source, 'pride prejudice', written);
    const read = decodeOperatorAction({ ...record, partition: 0, offset: 7, timestamp: nowMs + 5 });
    assert.notEqual(read, 'late');
    assert.deepEqual({ ...(read as object), tieBreak: '' }, { ...written, time: nowMs, tieBreak: '' });
    assert.throws(
      () => decodeOperatorAction({ ...record, value: Buffer.from('{}'), partition: 0, offset: 7, timestamp: nowMs }),
      { code: 'bad-event' },
    );
  });
});
