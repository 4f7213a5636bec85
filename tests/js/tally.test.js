import assert from 'node:assert/strict';
import test from 'node:test';
import { verdict } from '../../merger/ui/web/rows/tally.js';

test('a few votes cannot tell, many can: as a coin would', () => {
  assert.equal(verdict(0, 0), 'nobody won');
  assert.equal(verdict(4, 2), 'too few to tell');
  assert.equal(verdict(5, 0), 'too few to tell'); // 2 / 32 = .0625
  assert.match(verdict(6, 0), /^A is better/); // 2 / 64 = .031
  assert.match(verdict(1, 9), /^B is better/); // 22 / 1024 = .021
  assert.equal(verdict(2, 9), 'too few to tell'); // 134 / 2048 = .065
  assert.equal(verdict(50, 50), 'too few to tell');
});
