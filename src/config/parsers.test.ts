import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDsn } from './parsers.ts';

const mysql = { kind: 'mysql', host: 'db.example', port: 3306, user: 'shop', password: 'pass', database: 'books' };

describe('db.dsn', () => {
  it('may be a folder of SQLite files', () => {
    assert.deepEqual(parseDsn('sqlite:./data'), { value: { kind: 'sqlite', folder: './data' } });
    assert.deepEqual(parseDsn('sqlite:/srv/my shop'), { value: { kind: 'sqlite', folder: '/srv/my shop' } });
  });

  it('may be a URL, percent-encoded', () => {
    assert.deepEqual(parseDsn('mysql://shop:pass@db.example:3306/books'), { value: mysql });
    assert.deepEqual(parseDsn('mysql://shop:pass@db.example/books?charset=utf8mb4'), { value: mysql });
    assert.deepEqual(parseDsn('mysql://sh%40p:p%3A%2F%40%25@[::1]:3307/b%C3%BCcher'), {
      value: { kind: 'mysql', host: '::1', port: 3307, user: 'sh@p', password: 'p:/@%', database: 'bücher' },
    });
  });

  it("may have the Go driver's form, the password as it stands", () => {
    assert.deepEqual(parseDsn('shop:pass@tcp(db.example:3306)/books?charset=utf8mb4&parseTime=True&loc=Local'), {
      value: mysql,
    });
    for (const password of ['p@ss', 'p:a:s:s', 'a/b?c=d', '(odd)', 'x@tcp(elsewhere:1)/y', '%41', ' ', '']) {
      assert.deepEqual(parseDsn(`shop:${password}@tcp(db.example)/books`), { value: { ...mysql, password } }, password);
    }
    assert.deepEqual(parseDsn('shop@tcp(db.example:3306)/books'), { value: { ...mysql, password: '' } });
    assert.deepEqual(parseDsn('shop:pass@tcp([fd00::1]:3310)/books'), {
      value: { ...mysql, host: 'fd00::1', port: 3310 },
    });
  });

  it('is refused in every other form, without repeating it', () => {
    for (const dsn of [
      '',
      'books',
      'sqlite:',
      'sqlite://data',
      'postgres://shop:hunter2@host/books',
      'mysql://shop:hunter2@host',
      'mysql://shop:hunter2@host/',
      'mysql://shop:hunter2@host/a/b',
      'mysql://shop:hunter2@host:99999/books',
      'mysql://shop:hunter2@host:0/books',
      'mysql://shop:hunter2%@host/books',
      'mysql://:hunter2@host/books',
      'mysql:///books',
      'shop:hunter2@tcp()/books',
      'shop:hunter2@tcp(host:3306)',
      'shop:hunter2@tcp(host:3306)/',
      'shop:hunter2@tcp(host:70000)/books',
      'shop:hunter2@unix(/run/mysqld.sock)/books',
      'shop:hunter2@/books',
      '@tcp(host)/books',
      5,
      ['mysql://shop:hunter2@host/books'],
    ]) {
      const parsed = parseDsn(dsn);
      assert.ok('expected' in parsed, String(dsn));
      assert.doesNotMatch(parsed.expected, /hunter2/);
    }
  });
});
