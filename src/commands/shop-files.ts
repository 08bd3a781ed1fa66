import { join } from 'node:path';

/** Where a shop on one machine keeps things, below its data folder. */
export type ShopFiles = {
  readonly log: string;
  readonly catalogue: string;
  readonly searchIndex: string;
  readonly trend: string;
  readonly recommendation: string;
};

export function shopFiles(dataFolder: string): ShopFiles {
  return {
    log: join(dataFolder, 'log.sqlite'),
    catalogue: join(dataFolder, 'catalogue.sqlite'),
    searchIndex: join(dataFolder, 'search-index.sqlite'),
    trend: join(dataFolder, 'trend.sqlite'),
    recommendation: join(dataFolder, 'recommendation.sqlite'),
  };
}
