import { Type, type Static } from '@sinclair/typebox';
import { SamsaError } from '../../../errors.ts';
import { operatorActionNames, type OperatorActionSchema } from '../../../events/operator-action.ts';
import { requireOperator, type Access } from '../../../http/access.ts';
import { requireJson } from '../../../http/read-request.ts';
import { visibleText, type HttpServer } from '../../../http/routes.ts';

type OperatorDeps = {
  readonly access: Pick<Access, 'isOpenTo' | 'hasOperatorToken'>;
  /** Resolves when the decision is durable in the log. */
  readonly recordDecision: (decision: Static<typeof OperatorActionSchema>) => Promise<void>;
};

const Decision = Type.Object(
  {
    action: Type.Unsafe<(typeof operatorActionNames)[number]>({ type: 'string', enum: [...operatorActionNames] }),
    query: Type.String({ minLength: 1, maxLength: 200, described: { pattern: visibleText } }),
  },
  { additionalProperties: false },
);

const schema = {
  summary: 'Mute or pin a query among the trends, or take that back',
  security: [{}, { operator: [] }],
  body: Decision,
  response: { 202: Decision },
};

/** `POST /api/operator/queries` (docs/contract.md §2). */
export function operatorRoutes(server: HttpServer, { access, recordDecision }: OperatorDeps): void {
  const onRequest = [
    async (request: Parameters<typeof requireJson>[0]) => requireOperator(request, access),
    requireJson,
  ];
  server.post('/api/operator/queries', { schema, onRequest }, async (request, reply) => {
    const query = request.body.query.trim();
    if (query === '' || /\p{Cc}/u.test(query)) {
      throw new SamsaError('malformed-query', 'query: expected text without control characters.');
    }
    const decision = { action: request.body.action, query };
    await recordDecision(decision);
    return reply.code(202).send(decision);
  });
}
