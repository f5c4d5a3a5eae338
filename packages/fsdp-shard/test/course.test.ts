import { expect, it } from 'vitest';
import { Course } from '../src/course.ts';

const after = (...numbers: number[]) => {
  const course = new Course();
  for (const number of numbers) course.push(number);
  return course.expected(4);
};

it('goes on as it did after the last two numbers', () => {
  expect(after()).toEqual([]);
  expect(after(1, 2, 3)).toEqual([]);
  // Forward and backward over three blocks, and forward again: which way it goes shows in the number before.
  expect(after(1, 2, 3, 3, 2, 1, 1, 2)).toEqual([3, 3, 2, 1]);
  expect(after(1, 2, 3, 3, 2, 1, 1, 2, 3, 3, 2)).toEqual([1, 1, 2, 3]);
  // As it did last, where it did both.
  expect(after(1, 2, 5, 1, 2, 6, 1, 2)).toEqual([6, 1, 2]);
  expect(after(7, 7, 7)).toEqual([7]);
});
