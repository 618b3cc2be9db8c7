// The package in the shape of coincident: a program for coincident runs unchanged, with the same members and results.
import { expected } from './coincident/found.js';
import { skip } from './suite.mjs';

/**
 * @param kit its `programs` run `coincident/program.js`: `name`, `kind` as a key of `expected`, `run`, which may give the reason to skip it, and `isUpstream` for coincident itself, which has no
 * members but those that are expected
 */
export default (test, { programs = [], assert, deepEqual }) => {
  for (const { name, kind, isUpstream, run } of programs)
    test(`coincident: ${name}`, async () => {
      const outcome = await run();
      if (typeof outcome === 'string') return skip(outcome);
      const { members: found, ...results } = outcome;
      const { members, ...others } = expected[kind];
      for (const [of, types] of Object.entries(members))
        for (const [member, type] of Object.entries(types)) assert(found[of]?.[member] === type, `${of}.${member} is ${found[of]?.[member]}, not ${type}`);
      if (isUpstream)
        for (const [of, types] of Object.entries(found))
          for (const member of Object.keys(types ?? {})) assert(members[of]?.[member], `coincident also has ${of}.${member}: coincide in its shape needs it`);
      deepEqual(results, others);
    });
};
