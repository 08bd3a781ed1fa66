import type { Writable } from 'node:stream';
import { openExport, type ExportFormat } from '../services/web/catalogue/import/open-import.ts';
import type { CommandContext } from './command-context.ts';
import { openCatalogueToRead } from './import/open-shop.ts';

/**
 * Writes the whole catalogue to the output, in a form that `samsa import` reads without a change.
 * @returns the exit code: 1 when there is no catalogue.
 * @throws SamsaError as `openCatalogueToRead` does.
 */
export async function exportCommand(
  context: CommandContext,
  { format = 'csv' }: { readonly format?: ExportFormat },
  output: Writable = process.stdout,
): Promise<number> {
  await using stack = new AsyncDisposableStack();
  try {
    const catalogue = await openCatalogueToRead(context, stack);
    if (catalogue === null) {
      context.warn(`samsa: there is no catalogue in ${context.config.data}: start the shop or import a list first`);
      return 1;
    }
    for await (const text of openExport(catalogue, format)) await write(output, text);
    return 0;
  } catch (error) {
    // The program that reads the output has closed it.
    if ((error as { code?: unknown }).code === 'EPIPE') return 0;
    throw error;
  }
}

function write(output: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write(text, (error) => (error ? reject(error) : resolve()));
  });
}
