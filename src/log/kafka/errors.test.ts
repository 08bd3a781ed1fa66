import assert from 'node:assert/strict';
import { it } from 'node:test';
import { kafkaError } from './errors.ts';

it('ends what the client says as a sentence, whether the client did or not', () => {
  const said = (message: string): string => kafkaError(['kafka-1:9092'], new Error(message)).message;
  const expected = 'Kafka at kafka-1:9092 does not answer as expected: Request timed out. Trying again may help.';
  assert.equal(said('Request timed out'), expected);
  assert.equal(said('Request timed out.'), expected);
});
