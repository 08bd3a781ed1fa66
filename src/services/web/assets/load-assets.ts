import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

export type Asset = {
  /** `/assets/<hash of the content>/<name>`: another content has another address. */
  readonly url: string;
  readonly name: string;
  readonly hash: string;
  readonly type: string;
  readonly content: Buffer;
};

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const names = ['shop.css', 'shop.js', 'beetle.svg'] as const;

export type Assets = Readonly<Record<(typeof names)[number], Asset>>;

/** Reads what the pages need beside themselves, once; a few kilobytes. */
export function loadAssets(): Assets {
  return Object.fromEntries(names.map((name) => [name, loadAsset(name)])) as Assets;
}

function loadAsset(name: string): Asset {
  const content = readFileSync(join(import.meta.dirname, name));
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 12);
  return {
    url: `/assets/${hash}/${name}`,
    name,
    hash,
    type: types[extname(name)] ?? 'application/octet-stream',
    content,
  };
}
