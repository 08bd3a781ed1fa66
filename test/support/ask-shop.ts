import assert from 'node:assert/strict';
import { spawnSamsa } from './start-shop.ts';

/** Why a service says that it is not ready or works less well; empty when all is well. */
export async function reasonsOf(url: string): Promise<readonly string[]> {
  const answer = await fetch(`${url}/health/ready`);
  return ((await answer.json()) as { readonly reasons: readonly string[] }).reasons;
}

type Status = {
  readonly topics: readonly { readonly topic: string; readonly records: number }[];
  readonly projections: readonly {
    readonly name: string;
    readonly lag_events: number;
    readonly balanced: boolean;
    readonly dead_letters: number;
    readonly ledger: readonly { readonly outcomes: { readonly late: number; readonly gap: number } }[];
  }[];
};

/** What `samsa status` says about the shop with this data folder. */
export async function statusOf(data: string, environment: Readonly<Record<string, string>> = {}): Promise<Status> {
  const status = spawnSamsa(['status', '--json'], data, environment);
  assert.equal(await status.ended, 0, status.output());
  return JSON.parse(status.output()) as Status;
}

/** Whether all events are read. Every event that was read must be accounted for. */
export async function isAllRead(data: string, environment: Readonly<Record<string, string>> = {}): Promise<boolean> {
  const { projections } = await statusOf(data, environment);
  assert.ok(projections.every(({ balanced }) => balanced));
  return projections.every(({ lag_events: lag }) => lag === 0);
}
