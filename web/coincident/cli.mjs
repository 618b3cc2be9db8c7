#!/usr/bin/env node
// The command `coincident`: writes the service worker to a file.
import { copyFileSync, existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const [given] = process.argv.slice(2);
const file = given && resolve(given);
if (!file || given === '--help') console.log('Usage: coincident FILE\n\nWrites the service worker that lets workers block on pages without isolation, such as ./public/sw.js');
else if (!existsSync(dirname(file))) {
  console.error(`error: there is no folder ${dirname(file)}: create it first`);
  process.exitCode = 1;
} else {
  copyFileSync(fileURLToPath(new URL('sw.js', import.meta.url)), file);
  console.log(`wrote ${file}`);
}
