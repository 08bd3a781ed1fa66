import * as http from 'node:http';
import * as https from 'node:https';
import { Type, type Static, type TArray, type TSchema } from '@sinclair/typebox';
import { TypeCompiler, type TypeCheck } from '@sinclair/typebox/compiler';

/**
 * What the page uses of a row of `GET /trends` (docs/contract.md §2); rows may have more fields. The tutorial's service
 * only has `query`, and its recommendations neither `book_id` nor `reasons`.
 */
const TrendSchema = Type.Object({
  query: Type.String({ minLength: 1, maxLength: 400 }),
  kind: Type.Optional(Type.Union([Type.Literal('rising'), Type.Literal('popular')])),
  readers: Type.Optional(Type.Integer({ minimum: 0 })),
  searches: Type.Optional(Type.Integer({ minimum: 0 })),
  why: Type.Optional(Type.String({ maxLength: 400 })),
  window: Type.Optional(Type.String({ maxLength: 40 })),
  as_of: Type.Optional(Type.String({ maxLength: 40 })),
  hourly: Type.Optional(Type.Array(Type.Number({ minimum: 0 }), { maxItems: 1_000 })),
});

/** What the page uses of a row of `GET /recommendations` (docs/contract.md §2). */
const RecommendationSchema = Type.Object({
  book_id: Type.Optional(Type.Integer({ minimum: 1 })),
  title: Type.String({ minLength: 1 }),
  author: Type.String(),
  reasons: Type.Optional(
    Type.Array(Type.Object({ kind: Type.String(), text: Type.String({ maxLength: 1_000 }) }), { maxItems: 100 }),
  ),
});

export type Trend = Static<typeof TrendSchema>;
export type Recommendation = Static<typeof RecommendationSchema>;

/** An answer from another service, or the reason why it is missing. The page is shown in both cases. */
export type RemoteAnswer<Item> =
  | { readonly ok: true; readonly items: readonly Item[] }
  | { readonly ok: false; readonly reason: NoAnswer };

/** The two services that pages read. Every call resolves within 300 ms. No call is retried. */
export type RemoteServices = {
  readonly trends: (limit: number) => Promise<RemoteAnswer<Trend>>;
  readonly recommendations: (readerId: string) => Promise<RemoteAnswer<Recommendation>>;
  readonly close: () => void;
};

const limits = { deadlineMs: 300, limitBytes: 1 << 20 };
const trendList = TypeCompiler.Compile(Type.Array(TrendSchema, { maxItems: 100 }));
const recommendationList = TypeCompiler.Compile(Type.Array(RecommendationSchema, { maxItems: 1_000 }));

export function createRemoteServices(options: {
  /** `remote.trend_url` and `remote.recommendation_url`; a path or query in them is dropped. */
  readonly trendUrl: string;
  readonly recommendationUrl: string;
  /** Signs a reader id, which a public service asks for. */
  readonly signReader: (readerId: string) => string;
  /** Proves to the other services that this service asks, so that their limits do not apply. */
  readonly serviceToken: string;
}): RemoteServices {
  const asked = { ...limits, serviceToken: options.serviceToken };
  const trend = createAskService(new URL(options.trendUrl), asked);
  const recommendation = createAskService(new URL(options.recommendationUrl), asked);
  return {
    trends: async (limit) => itemsOf(trendList, await trend.ask(`/trends?ps=${limit}`)),
    recommendations: async (readerId) => {
      const path = `/recommendations?uid=${encodeURIComponent(options.signReader(readerId))}`;
      return itemsOf(recommendationList, await recommendation.ask(path));
    },
    close: () => {
      trend.close();
      recommendation.close();
    },
  };
}

function itemsOf<Item extends TSchema>(list: TypeCheck<TArray<Item>>, asked: Asked): RemoteAnswer<Static<Item>> {
  if (!asked.ok) return asked;
  // Go writes an empty list as `null`.
  if (asked.body === null) return { ok: true, items: [] };
  return list.Check(asked.body) ? { ok: true, items: asked.body } : { ok: false, reason: 'broken' };
}

/** Why another service gave no usable answer: unreachable or failing, too slow, or in an unexpected form. */
export type NoAnswer = 'away' | 'slow' | 'broken';

type Asked = { readonly ok: true; readonly body: unknown } | { readonly ok: false; readonly reason: NoAnswer };

type AskService = {
  /** GETs JSON from a path. Always resolves, at the latest at the deadline. Never retries. */
  readonly ask: (path: string) => Promise<Asked>;
  /** Closes idle connections. Running calls end as `away`. */
  readonly close: () => void;
};

type AskOptions = {
  /** The most time from the call to the last byte, including the connection. */
  readonly deadlineMs: number;
  readonly limitBytes: number;
  readonly serviceToken: string;
};

/**
 * Asks one service over persistent connections. Uses `node:http`: a call by `fetch` took twice the time and four times
 * the memory.
 */
function createAskService(baseUrl: URL, options: AskOptions): AskService {
  const transport = baseUrl.protocol === 'https:' ? https : http;
  const agent = new transport.Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 8 });

  const headers = { accept: 'application/json', authorization: `Bearer ${options.serviceToken}` };

  const ask = (path: string): Promise<Asked> =>
    new Promise((resolve) => {
      const request = transport.get(new URL(path, baseUrl), { agent, headers });
      const settle = (asked: Asked): void => {
        clearTimeout(deadline);
        resolve(asked);
        if (!asked.ok) request.destroy();
      };
      const deadline = setTimeout(() => settle({ ok: false, reason: 'slow' }), options.deadlineMs);
      request.on('error', () => settle({ ok: false, reason: 'away' }));
      request.on('response', (response) => receive(response, options.limitBytes, settle));
    });

  return { ask, close: () => agent.destroy() };
}

function receive(response: http.IncomingMessage, limitBytes: number, settle: (asked: Asked) => void): void {
  const status = response.statusCode ?? 0;
  if (status !== 200) {
    settle({ ok: false, reason: status >= 500 ? 'away' : 'broken' });
    return;
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes > limitBytes) settle({ ok: false, reason: 'broken' });
    else chunks.push(chunk);
  });
  response.on('error', () => settle({ ok: false, reason: 'away' }));
  response.on('end', () => settle(parseJson(Buffer.concat(chunks))));
}

function parseJson(bytes: Buffer): Asked {
  try {
    return { ok: true, body: JSON.parse(bytes.toString()) as unknown };
  } catch {
    return { ok: false, reason: 'broken' };
  }
}
