import Fastify from 'fastify';

/** For comparison: a Fastify route that answers `argv[2]` bytes of JSON and does nothing else. Prints its URL. */
const answer = Buffer.from(JSON.stringify('x'.repeat(Number(process.argv[2]) - 2)));
const server = Fastify();
server.get('/api/books', (_request, reply) => reply.type('application/json; charset=utf-8').send(answer));
console.log(await server.listen({ host: '127.0.0.1', port: 0 }));
