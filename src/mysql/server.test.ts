import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { adaptStatement, recognizeServer } from './server.ts';

describe('a server that speaks the protocol of MySQL', () => {
  const kindOf = (version: string, comment = ''): string => recognizeServer('here', version, comment).kind;
  const refuses = (version: string, comment: string, message: RegExp): void => {
    assert.throws(() => recognizeServer('here', version, comment), { code: 'bad-configuration', message });
  };

  it('is known by its version', () => {
    assert.equal(kindOf('8.0.11', 'MySQL Community Server - GPL'), 'MySQL');
    assert.equal(kindOf('9.4.0'), 'MySQL');
    assert.equal(kindOf('5.5.5-10.11.6-MariaDB'), 'MariaDB');
    assert.equal(kindOf('11.8.1-MariaDB-ubu2404'), 'MariaDB');
    assert.equal(kindOf('8.0.11-TiDB-v8.5.1', 'TiDB Server (Apache License 2.0)'), 'TiDB');
  });

  it('is refused when it is too old', () => {
    const versions = ['5.7.44', '10.6.1-MariaDB', '5.5.5-10.6.21-MariaDB', '5.7.25-TiDB-v7.1.0', 'unknown'];
    for (const version of versions) refuses(version, '', /expected MySQL 8.0, MariaDB 10.11 or TiDB 8.0.* found /);
  });

  it('is refused by its name when it only looks like MySQL', () => {
    refuses('8.0.31', 'Dolt', /found Dolt 8\.0\.31, which does not work: its FOR UPDATE/);
    refuses('8.0.30-Vitess', 'Version: 19.0', /found Vitess/);
    refuses('5.7.25-OceanBase-v4.2.1', '', /found OceanBase/);
  });

  it('gets no statement that it would accept and not obey', () => {
    const sql = 'SELECT 1 FROM state.old FOR UPDATE SKIP LOCKED; SELECT 1 FROM state.turn LOCK IN SHARE MODE';
    assert.equal(adaptStatement(recognizeServer('here', '8.4.0', ''), sql), sql);
    assert.equal(
      adaptStatement(recognizeServer('here', '8.0.11-TiDB-v8.4.0', ''), sql),
      'SELECT 1 FROM state.old FOR UPDATE; SELECT 1 FROM state.turn FOR UPDATE',
    );
  });
});
