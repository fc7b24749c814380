#!/usr/bin/env node
/** Checks the few structural rules of the project (`scripts/tidy/house.mjs`). Exits 1 when one is broken; warnings only inform. */
import { fileURLToPath } from 'node:url';
import { house } from './tidy/house.mjs';
import { readProject } from './tidy/project.mjs';
import { check } from './tidy/rules.mjs';

const files = readProject(fileURLToPath(new URL('..', import.meta.url)));
const findings = check(files, house);
const problems = findings.filter((one) => one.level === 'error');
for (const { level, file, line, rule, message, todo } of findings) {
  console.error(`${file}:${line}  ${level === 'warning' ? 'warning, ' : ''}${rule}: ${message}\n    ${todo}`);
}
if (problems.length > 0) {
  console.error(
    `\ntidy: ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}. An exception needs a reason: scripts/tidy/house.mjs`,
  );
  process.exitCode = 1;
} else {
  console.log(`tidy: ${files.size} files in order`);
}
