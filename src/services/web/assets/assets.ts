import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { answersText, type HttpServer } from '../../../http/route-schemas.ts';

export type Asset = {
  /** `/assets/<hash of the content>/<name>`: new content gets a new address. */
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

/** Reads the style, script and icon of the pages once; a few kilobytes. */
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

/** Serves each asset under the hash of its content, so that browsers may cache it for ever. */
export function assetRoutes(server: HttpServer, assets: Assets): void {
  for (const asset of Object.values(assets)) {
    const etag = `"${asset.hash}"`;
    server.get(
      asset.url,
      { schema: answersText('An asset of the pages', asset.type.split(';', 1)[0]!) },
      async (request, reply) => {
        void reply.headers({
          etag,
          'cache-control': 'public, max-age=31536000, immutable',
          'x-content-type-options': 'nosniff',
        });
        if (request.headers['if-none-match']?.includes(etag) === true) return reply.code(304).send();
        return reply.type(asset.type).send(asset.content);
      },
    );
  }
}
