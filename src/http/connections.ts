import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Socket } from 'node:net';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { SamsaError } from '../errors.ts';
import type { HttpServer } from './route-schemas.ts';

const unreachable: Readonly<Record<string, string>> = {
  EACCES: 'this process may not use that port',
  EADDRNOTAVAIL: 'this machine has no such address',
  EAI_AGAIN: 'the name cannot be resolved right now',
  EINVAL: 'this machine has no such address',
  ENOTFOUND: 'no such name is known',
};

/**
 * Starts listening. Port 0 takes any free port.
 * @param section the settings that host and port come from, for messages.
 * @throws SamsaError `port-in-use`; `bad-configuration` when the machine does not offer this host or port.
 */
export async function listen(
  server: HttpServer,
  { host, port }: { readonly host: string; readonly port: number },
  section: 'app' | 'trend' | 'recommendation',
): Promise<{ url: string }> {
  try {
    return { url: await server.listen({ host, port }) };
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new SamsaError(
        'port-in-use',
        `Expected port ${port} on ${host} to be free, but another program listens there. ` +
          `Stop it, or set ${section}.port or SAMSA_${section.toUpperCase()}_PORT to another one.`,
        { cause },
      );
    }
    const problem = unreachable[code];
    if (problem === undefined) throw cause;
    throw new SamsaError(
      'bad-configuration',
      `Cannot listen on ${host}, port ${port}: ${problem} (${code}). Set ${section}.host or ${section}.port to another.`,
      { cause },
    );
  }
}

const sweepEveryMs = 20;

/**
 * Bounds how long `server.close()` takes. Connections are closed as soon as they are idle, and after `patienceMs` in
 * any state, including streams and half-sent requests.
 * @returns a function that tells whether the server is closing.
 */
export function drainOnClose(server: FastifyInstance, patienceMs: number): () => boolean {
  let closing = false;
  server.addHook('preClose', (done) => {
    closing = true;
    drain(server.server, patienceMs);
    done();
  });
  return () => closing;
}

function drain(server: Server, patienceMs: number): void {
  const sweep = setInterval(() => server.closeIdleConnections(), sweepEveryMs);
  const last = setTimeout(() => server.closeAllConnections(), patienceMs);
  server.once('close', () => {
    clearInterval(sweep);
    clearTimeout(last);
  });
  sweep.unref();
  last.unref();
}

/** A browser sends one request at a time over a connection. Programs that pipeline send more. */
const runningPerConnection = 16;

type Exchange = readonly [IncomingMessage, ServerResponse];
type Connection = { running: number; readonly waiting: Exchange[]; readonly onAnswered: () => void };

/**
 * An HTTP server that runs at most 16 requests of one connection at the same time. It stops reading a connection that
 * sends more, so that one connection cannot keep the process from answering others.
 */
export function createPacedServer(
  options: ServerOptions,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const connections = new WeakMap<Socket, Connection>();

  const connect = (socket: Socket): Connection => {
    const connection: Connection = {
      running: 0,
      waiting: [],
      onAnswered: () => {
        connection.running--;
        advance(connection, socket);
      },
    };
    connections.set(socket, connection);
    return connection;
  };
  const start = (connection: Connection, [request, response]: Exchange): void => {
    connection.running++;
    response.on('close', connection.onAnswered);
    handle(request, response);
  };
  const advance = (connection: Connection, socket: Socket): void => {
    if (socket.destroyed) connection.waiting.length = 0;
    const next = connection.waiting.shift();
    if (next !== undefined) start(connection, next);
    if (connection.waiting.length === 0) socket.resume();
  };

  return createServer(options, (request, response) => {
    const { socket } = request;
    const connection = connections.get(socket) ?? connect(socket);
    if (connection.running < runningPerConnection) return start(connection, [request, response]);
    connection.waiting.push([request, response]);
    socket.pause();
  });
}

const leastBytes = 1_024;
const compressible = /^(?:text\/(?!event-stream)|application\/(?:[\w.+-]*json|javascript)|image\/svg)/;
/** With this quality brotli is as fast as gzip. The default takes a hundred times as long. */
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

/**
 * Compresses pages and JSON of at least a kilobyte with brotli or gzip where the client takes it. (`@fastify/compress`
 * added 4 µs to every search that asks for no compression, a fifteenth of all a search takes.)
 */
export function compressAnswers(server: HttpServer): void {
  server.addHook('onSend', (request, reply, payload, done) => {
    const accepted = request.headers['accept-encoding'];
    if (accepted === undefined || !isLong(payload) || !compressible.test(String(reply.getHeader('content-type')))) {
      done();
      return;
    }
    const vary = reply.getHeader('vary');
    void reply.header('vary', vary === undefined ? 'Accept-Encoding' : `${String(vary)}, Accept-Encoding`);
    const encoding = ['br', 'gzip'].find((name) => takes(accepted, name));
    if (encoding === undefined) {
      done();
      return;
    }
    const finish = (error: Error | null, compressed: Buffer): void => {
      if (error === null) void reply.header('content-encoding', encoding).removeHeader('content-length');
      done(null, error === null ? compressed : payload);
    };
    if (encoding === 'br') brotliCompress(payload, brotliOptions, finish);
    else gzip(payload, finish);
  });
}

function isLong(payload: unknown): payload is string | Buffer {
  return (typeof payload === 'string' || Buffer.isBuffer(payload)) && payload.length >= leastBytes;
}

/** Whether an `Accept-Encoding` header names an encoding without refusing it (`q=0`). */
function takes(accepted: string, name: string): boolean {
  return accepted.split(',').some((part) => {
    const [encoding = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    return encoding === name && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  });
}
