#!/usr/bin/env node
// The command `coincide` for Node.js, the same as that of the crate coincide-cli.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { hostOf } from './cli-host.mjs';
import { serve } from './cli-serve.mjs';

const HELP = `Tools for pages whose workers call functions of the page synchronously

Usage: coincide <COMMAND>

Commands:
  serve [DIR]  Serve a folder on this machine, with the headers that make its pages cross-origin isolated
    -p, --port <PORT>  The port to listen on; 0 for any free port [default: 8080]
        --host <HOST>  The address to listen on; with 0.0.0.0, other machines can connect [default: 127.0.0.1]
        --allow-host <NAME>  Also answer requests to this host name or address; can be repeated
        --cors         Let pages of all other origins load and read the files
        --no-isolation Leave out the headers of isolation, to see a page as a site without them serves it
        --no-list      Answer 404 for a folder without an index.html, instead of a list of its files
        --open         Open the page in the browser
  coi <FILE>   Write coi.js, which isolates the pages of a site whose headers cannot be set, to a file or into a folder
        --force        Overwrite a file that has other contents
  sw <FILE>    Write sw.js, the service worker that lets workers block on pages without isolation, to a file or into a folder
        --force        Overwrite a file that has other contents

Options:
  -h, --help     Print help
  -V, --version  Print version
`;

/** An error in the command line. */
class Misuse extends Error {}

const beside = name => readFileSync(new URL(name, import.meta.url));

const commands = {
  serve: {
    options: {
      port: { type: 'string', short: 'p', default: '8080' },
      host: { type: 'string', default: '127.0.0.1' },
      'allow-host': { type: 'string', multiple: true, default: [] },
      cors: { type: 'boolean', default: false },
      'no-isolation': { type: 'boolean', default: false },
      'no-list': { type: 'boolean', default: false },
      open: { type: 'boolean', default: false },
    },
    run: startServing,
  },
  coi: { options: { force: { type: 'boolean', default: false } }, run: (...given) => writeScript('coi.js', ...given) },
  sw: { options: { force: { type: 'boolean', default: false } }, run: (...given) => writeScript('sw.js', ...given) },
};

async function startServing(options, [given = '.', ...more]) {
  const { port: text, host, 'allow-host': names, cors, open, 'no-isolation': plain, 'no-list': bare } = options;
  unexpected(more);
  const port = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(port < 1 << 16)) throw new Misuse(`invalid value '${text}' for '--port <PORT>': it is a number from 0 to 65535`);
  const wrong = names.find(name => hostOf(name) === null);
  if (wrong !== undefined)
    throw new Misuse(
      `invalid value '${wrong}' for '--allow-host <NAME>': it is a host name or an address, without scheme, port and path`
    );
  const folder = existing(given);
  // The address of `--host` is allowed.
  const hosts = [...names, host].map(hostOf);
  // Set before the address is printed, after which an interrupt is expected. There is no state to save.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(0));
  const { address, port: actual, family } = await serve({ folder, host, port, isolated: !plain, cors, hosts, lists: !bare });
  const page = `http://${family === 'IPv6' ? `[${address}]` : address}:${actual}/`;
  // The server continues if its output is closed.
  process.stdout.on('error', () => {});
  process.stdout.write(`${page} serves ${folder}${plain ? ', without the headers of isolation' : ''}\nCtrl-C ends it\n`);
  if (!/^(127\.|::1$)/.test(address))
    console.error(
      'warning: other machines can read this folder; by name they reach it with `--allow-host NAME`, and their browsers isolate pages with https only'
    );
  if (open) openPage(page);
}

function existing(folder) {
  let stats;
  try {
    stats = statSync(folder);
  } catch (error) {
    throw new Error(error.code === 'ENOENT' ? `there is no folder ${folder}` : `cannot look into ${folder}: ${error.message}`);
  }
  if (!stats.isDirectory()) throw new Error(`${folder} is no folder: serve the one that it is in`);
  return resolve(folder);
}

function openPage(page) {
  const programs = { darwin: ['open'], win32: ['cmd', '/c', 'start', '""'] };
  const [program, ...given] = programs[process.platform] ?? ['xdg-open'];
  const failed = why => console.error(`warning: cannot open a browser (${why}): open ${page} yourself`);
  const opener = spawn(program, [...given, page], { detached: true, stdio: 'ignore' });
  opener.on('error', error => failed(error.message)).on('exit', code => code && failed(`${program} ended with ${code}`));
}

function writeScript(name, { force }, [given, ...more]) {
  if (given === undefined) throw new Misuse('the following required arguments were not provided: <FILE>');
  unexpected(more);
  const meansFolder = /[/\\]$/.test(given) && (given.endsWith('/') || process.platform === 'win32');
  const file = isFolder(given) ? join(given, name) : given;
  const folder = meansFolder ? given : dirname(file);
  if (!isFolder(folder)) throw new Error(`there is no folder ${folder}: create it first`);
  const text = beside(name);
  const there = read(file);
  // A name without an extension is more likely a missing folder than a script.
  if (!there && !extname(file)) throw new Error(`there is no folder ${file}: create it first, or name a file that ends in .js`);
  if (there?.equals(text)) return console.log(`${file} is up to date`);
  if (there && !force) throw new Error(`${file} exists and has other contents; \`--force\` overwrites it`);
  writeFileSync(file, text);
  console.log(`wrote ${file}`);
}

function isFolder(path) {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** The content of a file; undefined if it does not exist. */
function read(file) {
  try {
    return readFileSync(file);
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw new Error(`cannot read ${file}: ${error.message}`);
  }
}

function unexpected([argument]) {
  if (argument !== undefined) throw new Misuse(`unexpected argument '${argument}' found`);
}

async function main([name, ...rest]) {
  if (name === '-h' || name === '--help' || name === 'help') return process.stdout.write(HELP);
  if (name === '-V' || name === '--version') return console.log(`coincide ${JSON.parse(beside('package.json')).version}`);
  if (name === undefined) throw new Misuse('a command is missing: serve, coi or sw');
  if (!Object.hasOwn(commands, name)) throw new Misuse(`unrecognized subcommand '${name}'`);
  const { options, run } = commands[name];
  const { values, positionals } = parsed(rest, options);
  if (values.help) return process.stdout.write(HELP);
  return run(values, positionals);
}

function parsed(args, options) {
  try {
    return parseArgs({ args, options: { ...options, help: { type: 'boolean', short: 'h' } }, allowPositionals: true });
  } catch (error) {
    throw new Misuse(error.message);
  }
}

await main(process.argv.slice(2)).catch(error => {
  console.error(`error: ${error.message}`);
  if (error instanceof Misuse) console.error(`\nFor more information, try 'coincide --help'.`);
  process.exitCode = error instanceof Misuse ? 2 : 1;
});
