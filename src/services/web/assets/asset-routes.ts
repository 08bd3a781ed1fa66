import type { HttpServer } from '../../../http/http-server.ts';
import type { Assets } from './load-assets.ts';

/** Style, script and icon, each under the hash of its content, to be kept by browsers for ever. */
export function assetRoutes(server: HttpServer, assets: Assets): void {
  for (const asset of Object.values(assets)) {
    const etag = `"${asset.hash}"`;
    server.get(asset.url, { schema: { hide: true } }, async (request, reply) => {
      void reply.headers({
        etag,
        'cache-control': 'public, max-age=31536000, immutable',
        'x-content-type-options': 'nosniff',
      });
      if (request.headers['if-none-match']?.includes(etag) === true) return reply.code(304).send();
      return reply.type(asset.type).send(asset.content);
    });
  }
}
