import type { House } from './rules.mjs';

export const house: House;
