// Classes without fields, for scripts that Firefox is to parse fast.
//
// Firefox parses functions in full when they are called, and skips over them before. It gives that up for everything in a script that follows a class
// field or a static block: a worker that imports the package then parses all of it while it starts. The transformer of the bundler moves fields into constructors.
// It turns private names into WeakMaps, which are too slow, so they become properties with short names first. Therefore this is for classes whose instances
// programs do not get. Values of fields are evaluated after the defaults of the constructor's parameters, and fields are assigned, not defined.
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The functions of this module, with the bundler in the folder `tool`. */
export const withBundler = async tool => {
  const { resolve: find } = createRequire(resolve(tool, 'package.json'));
  const [{ RolldownMagicString }, { Visitor, parseSync, transformSync }] = await Promise.all(
    ['rolldown', 'rolldown/utils'].map(name => import(pathToFileURL(find(name)))),
  );

  const parse = (id, code) => {
    const { program, errors } = parseSync(id, code);
    if (errors.length > 0) throw new Error(`${id}: ${errors[0].message}`);
    return program;
  };

  /** Fields and static blocks in a program, as they are written. */
  const found = (program, code) => {
    const all = [];
    const add = ({ start, end }) => void all.push(code.slice(start, end));
    new Visitor({ PropertyDefinition: add, AccessorProperty: add, StaticBlock: add }).visit(program);
    return all;
  };

  /** The modules of the subclasses with private members, by name. */
  const subclasses = new Map();

  const fieldsIn = (id, code) => found(parse(id, code), code);

  /** The code and the source map of a module without fields. Null if it has none: then its private methods stay private. */
  const lower = (id, code) => {
    const program = parse(id, code);
    if (found(program, code).length === 0) return null;
    const text = new RolldownMagicString(code);
    simplify(program, text, Visitor, id, subclasses);
    const map = text.generateMap({ file: id, source: id, hires: true, includeContent: true });
    const lowered = transformSync(id, text.toString(), { target: 'es2021', assumptions: { setPublicClassFields: true }, sourcemap: true, inputMap: map });
    if (lowered.errors.length > 0) throw new Error(`${id}: ${lowered.errors[0].message}`);
    const helpers = Object.keys(lowered.helpersUsed);
    if (helpers.length > 0) throw new Error(`${id}: a class needs ${helpers}, which the package does not have: write it without`);
    return { code: lowered.code, map: lowered.map };
  };

  return { fieldsIn, lower };
};

/** Replaces private names by properties, and removes fields without a value to which the constructor assigns one. Throws for classes of which that would change the behaviour. */
const simplify = (program, text, Visitor, id, subclasses) => {
  const refuse = why => {
    throw new Error(`${id}: ${why}`);
  };
  const found = new Set();
  /** The parameters of constructors of classes with fields, as positions of their beginnings and ends. */
  const parameters = [];
  const inParameters = ({ start, end }) => parameters.some(([from, to]) => start >= from && end <= to);
  const checkName = key => {
    if (key?.type === 'Identifier' && SHORTENED.test(key.name)) refuse(`the name \`${key.name}\` may be that of a shortened private member: rename it`);
  };
  /** For each class around a node, the innermost first, the properties by their private names. */
  const classes = [];
  const owners = [];
  const enter = node => void owners.push(node);
  const leave = () => void owners.pop();
  new Visitor({
    ClassDeclaration: enter,
    ClassExpression: enter,
    'ClassDeclaration:exit': leave,
    'ClassExpression:exit': leave,
    ClassBody({ body }) {
      const { superClass, id: name } = owners.at(-1);
      const constructor = body.find(({ kind }) => kind === 'constructor')?.value;
      if (body.some(({ type, static: isStatic }) => type === 'PropertyDefinition' && !isStatic))
        for (const { start, end } of constructor?.params ?? []) parameters.push([start, end]);
      const properties = new Map();
      for (const { key } of body) {
        if (key?.type !== 'PrivateIdentifier' || properties.has(key.name)) continue;
        // A class must not share properties with the class that it extends.
        if (superClass && !name) refuse('a class extends another and has private members: give it a name');
        if (superClass && properties.size === 0) {
          if (found.has(name.name) || (subclasses.get(name.name) ?? id) !== id) refuse(`two classes named \`${name.name}\` extend others and have private members: rename one`);
          found.add(name.name);
          subclasses.set(name.name, id);
        }
        properties.set(key.name, `$${(properties.size + 10).toString(36)}${superClass ? name.name : ''}`);
      }
      classes.unshift(properties);
    },
    'ClassBody:exit'({ body }) {
      classes.shift();
      const assigned = new Set(body.find(({ kind }) => kind === 'constructor')?.value.body.body.map(assignedBy).filter(Boolean));
      for (const { type, static: isStatic, computed, key, value, start, end } of body)
        if (type === 'PropertyDefinition' && !isStatic && !computed && !value && assigned.has(nameOf(key))) text.remove(start, end);
    },
    BinaryExpression({ left }) {
      // As a property, it would run code of proxies, and others may have it.
      if (left.type === 'PrivateIdentifier') refuse(`\`#${left.name} in\` a value: use a WeakSet, or a module whose classes have no fields`);
    },
    MetaProperty({ meta }) {
      if (meta.name === 'new') refuse('`new.target` beside class fields: its value in a field would change; pass the class');
    },
    ThisExpression(node) {
      if (inParameters(node)) refuse('`this` in the parameters of a constructor: fields have their values later; use it in the body');
    },
    Super(node) {
      if (inParameters(node)) refuse('`super` in the parameters of a constructor: fields have their values later; use it in the body');
    },
    MemberExpression({ property, computed }) {
      if (!computed) checkName(property);
    },
    Property({ key, computed }) {
      if (!computed) checkName(key);
    },
    PropertyDefinition({ key, computed }) {
      if (!computed) checkName(key);
    },
    MethodDefinition({ key, computed }) {
      if (!computed) checkName(key);
    },
    PrivateIdentifier({ name, start, end }) {
      text.update(start, end, classes.find(properties => properties.has(name)).get(name));
    },
  }).visit(program);
};

/** Names that private members may get. */
const SHORTENED = /^\$[a-z1-9]/;

/** The property of `this` to which a statement assigns a value. */
const assignedBy = ({ expression }) => {
  const { type, operator, left } = expression ?? {};
  return type === 'AssignmentExpression' && operator === '=' && left.object?.type === 'ThisExpression' && !left.computed ? nameOf(left.property) : undefined;
};

const nameOf = ({ type, name }) => (type === 'PrivateIdentifier' ? `#${name}` : name);
