import { describe, it } from 'node:test';
import { countIn } from '../../../../test/support/count-searches.ts';
import { testAgreement } from './agreeing.contract.ts';
import { testAnswers } from './answers.contract.ts';
import { testCounting, testForgetting } from './counting.contract.ts';
import { testSharing } from './sharing.contract.ts';
import type { TrendStoreTest, TrendStoreUnderTest } from './trend-store-under-test.contract.ts';

/**
 * What every trend store promises beside its progress; run it once per technology.
 * @param histories how many random histories three instances must agree on.
 */
export function trendStoreContract(
  technology: string,
  open: () => Promise<TrendStoreUnderTest>,
  histories: number,
): void {
  const test: TrendStoreTest = (name, body) => {
    it(name, async () => {
      const opened = await open();
      try {
        const [count] = await countIn(opened.store);
        await body({ ...opened, count: count! });
      } finally {
        await opened.close();
      }
    });
  };

  describe(`trend store in ${technology}`, () => {
    testCounting(test);
    testSharing(test);
    testAnswers(test);
    testForgetting(test);
    testAgreement(open, histories);
  });
}
