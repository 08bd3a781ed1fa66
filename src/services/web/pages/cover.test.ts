import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { coverTitle, drawCover } from './cover.ts';
import { fitText } from './fit-text.ts';

const box = { width: 120, height: 80, sizes: [30, 20, 12] };

describe('cover', () => {
  it('is the same for the same book, and others look different', () => {
    const emma = { title: 'Emma', author: 'Jane Austen' };
    assert.equal(drawCover(emma).markup, drawCover({ ...emma }).markup);
    const grounds = Array.from({ length: 50 }, (_, index) => {
      const { markup } = drawCover({ title: `Volume ${index}`, author: 'Anonymous' });
      return /fill="(#\w+)"/.exec(markup)?.[1];
    });
    assert.ok(new Set(grounds).size >= 8);
  });

  it('keeps markup in titles and names harmless', () => {
    const { markup } = drawCover({ title: '<script>x</script>', author: '"><b>&' });
    assert.doesNotMatch(markup, /<script|<b>/);
  });

  it('can be drawn from very short and very long texts', () => {
    for (const text of [
      '',
      'A',
      '吾輩は猫である',
      'Donaudampfschiffahrtsgesellschaft'.repeat(9),
      'word '.repeat(200),
    ]) {
      assert.match(drawCover({ title: text, author: text }).markup, /^<svg[^]*<\/svg>$/);
    }
  });

  it('needs no style, script, id or URL', () => {
    assert.doesNotMatch(
      drawCover({ title: 'Emma', author: 'Jane Austen' }).markup,
      /style=|<style|<script|\sid=|url\(|href/,
    );
  });
});

describe('text on a cover', () => {
  it('is set as large as fits, in lines of about equal length', () => {
    assert.deepEqual(fitText('Emma', box), { lines: ['Emma'], size: 30 });
    assert.deepEqual(fitText('The Picture of Dorian Gray', { ...box, height: 30 }).lines, [
      'The Picture of',
      'Dorian Gray',
    ]);
  });

  it('is cut where even the smallest size does not fit', () => {
    const { lines, size } = fitText('a very long title '.repeat(20), box);
    assert.equal(size, 12);
    assert.ok(lines.length * size <= box.height);
    assert.ok(lines.at(-1)?.endsWith('…'));
    assert.match(fitText('Donaudampfschiffahrtsgesellschaft', box).lines.join(''), /^Donaudampf\w*…$/);
  });

  it('leaves series and long subtitles out', () => {
    assert.equal(coverTitle('Emma'), 'Emma');
    assert.equal(coverTitle('The Hunger Games (The Hunger Games, #1)'), 'The Hunger Games');
    assert.equal(coverTitle('Frankenstein; or, The Modern Prometheus'), 'Frankenstein');
    assert.equal(coverTitle('Walden: a life'), 'Walden: a life');
    assert.equal(coverTitle('(Untitled)'), '(Untitled)');
  });
});
