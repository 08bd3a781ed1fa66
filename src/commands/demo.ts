import { openCatalogueToRead, openShopToChange } from './import/open-shop.ts';
import { count, createProgressLine, type ProgressOutput, type CommandContext } from './command-context.ts';

/**
 * Removes the demo books that nobody has edited and no import has replaced. (`openStockedCatalogue` adds them to a new
 * shop.)
 * @returns the exit code.
 */
export async function removeDemoCommand(
  context: CommandContext,
  output: ProgressOutput = process.stderr,
): Promise<number> {
  const { print, warn } = context;
  await using stack = new AsyncDisposableStack();
  if ((await openCatalogueToRead(context, stack)) === null) {
    print('0 demo books have left the shop');
    return 0;
  }
  const progress = createProgressLine(output);
  const { catalogue, deliver } = await openShopToChange(context, stack);
  const removed = await catalogue.removeDemoBooks();
  const undelivered = await deliver(progress);
  progress.end();
  print(`${count(removed)} demo books have left the shop`);
  if (undelivered !== null) warn(`samsa: ${undelivered}`);
  return 0;
}
