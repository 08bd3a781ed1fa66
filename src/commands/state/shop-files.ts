import { join } from 'node:path';
import type { Config } from '../../config/config.ts';

/** Where a shop on one machine keeps things, below its data folder. */
export type ShopFiles = {
  readonly log: string;
  /** A folder: what waits for a cluster. */
  readonly spools: string;
  readonly catalogue: string;
  readonly searchIndex: string;
  readonly trend: string;
  readonly recommendation: string;
};

/** What groups are called unless the settings say otherwise. */
export const usualGroupIds = { trend: 'trend-svr', recommendation: 'rec-svr' } as const;

/** A file holds what one group id has read: another id reads the log again, into a file of its own. */
export function shopFiles({ data, trend, recommendation }: Config): ShopFiles {
  return {
    log: join(data, 'log.sqlite'),
    spools: join(data, 'spool'),
    catalogue: join(data, 'catalogue.sqlite'),
    searchIndex: join(data, 'search-index.sqlite'),
    trend: join(data, stateFile('trend', trend.groupId, usualGroupIds.trend)),
    recommendation: join(data, stateFile('recommendation', recommendation.groupId, usualGroupIds.recommendation)),
  };
}

function stateFile(service: string, groupId: string, usualId: string): string {
  return groupId === usualId ? `${service}.sqlite` : `${service}.${encodeURIComponent(groupId)}.sqlite`;
}
