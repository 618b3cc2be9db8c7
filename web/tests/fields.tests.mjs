// How bundles do without class fields: xtask/src/web/fields.mjs.
import { fileURLToPath } from 'node:url';
import { withBundler } from '../../xtask/src/web/fields.mjs';

/** Modules with an export `run`, whose result is the same before and after. */
const SHAPES = {
  'public and private fields, with and without values': 'class A { a = 1; b; #c = 2; #d; get all() { return [this.a, this.b, this.#c, this.#d, Object.hasOwn(this, "b")]; } } export const run = () => new A().all;',
  'fields that the constructor assigns': 'class A { a; #b; "c d"; constructor(b) { this.first = this.a; this.a = b; this.#b = b; } get all() { return [this.first, this.a, this.#b, Object.hasOwn(this, "c d")]; } } export const run = () => new A(3).all;',
  'a parameter of the constructor with the name of a variable in a value': 'const x = 1; class A { #x = x; y = () => x; constructor(x) { this.z = x; } get all() { return [this.#x, this.y(), this.z]; } } export const run = () => new A(2).all;',
  'a local variable of the constructor with such a name': 'const x = 1; class A { #x = x; constructor() { const x = 2; this.z = x; } get all() { return [this.#x, this.z]; } } export const run = () => new A().all;',
  'a subclass without a constructor': 'class A { #a = 1; constructor(b) { this.b = b; } a() { return this.#a; } } class B extends A { #a = 2; c = this.b; own() { return [this.#a, this.a(), this.c]; } } export const run = () => new B(3).own();',
  'private names of three classes that extend each other': 'class A { #a = 1; a() { return this.#a; } } class B extends A { #a = 2; b() { return this.#a; } } class C extends B { #a = 3; c() { return [this.a(), this.b(), this.#a]; } } export const run = () => new C().c();',
  '`super` in a condition, in an argument, and after statements': 'class A { constructor(a) { this.a = a; } } class B extends A { #b = this.a; constructor(a) { let x = a + 1; if (a) super(x); else super(9); this.c = this.#b; } } const pass = x => x; class C extends A { d = this.a; constructor() { pass(super(4)); } } export const run = () => [new B(1).c, new B(0).c, new C().d];',
  '`super` in a value': 'class A { name() { return "A"; } } class B extends A { #n = super.name(); later = () => super.name(); name() { return "B"; } get all() { return [this.#n, this.later(), this.name()]; } } export const run = () => new B().all;',
  'computed names': 'const seen = []; const key = k => (seen.push(k), k); class A { [key("a")] = seen.length; [key("b")]() { return 1; } #c = seen.length; [key("d")] = this.#c; } export const run = () => [new A().a, new A().b(), new A().d, seen];',
  'the order of values, and of the constructor': 'const seen = []; const at = n => (seen.push(n), n); class A { a = at(1); #b = at(2); c = at(this.#b + 1); constructor() { at(4); } } class B extends A { e = at(5); constructor() { super(); at(6); } } export const run = () => (new B(), seen);',
  'values that refer to fields before them': 'class A { #a = 1; #b = this.#a + 1; c = [this.#a, this.#b]; } export const run = () => new A().c;',
  'static fields and blocks': 'class A { static a = 1; static #b = this.a + 1; static c; static { this.c = A.#b + 1; } static get all() { return [A.a, A.#b, A.c]; } } export const run = () => A.all;',
  'private methods and accessors': 'class A { #n = 1; #add(by) { this.#n += by; return this; } get #twice() { return 2 * this.#n; } set #twice(to) { this.#n = to / 2; } static #new() { return new A(); } async #later() { return this.#n; } *#each() { yield this.#n; } static run() { const a = A.#new().#add(2); a.#twice += 2; return [a.#twice, [...a.#each()]]; } } export const run = () => A.run();',
  'operators on private fields': 'class A { #n = 1; #o = { p: 1 }; #f = function () { return this instanceof A; }; run() { this.#n++; this.#n **= 3; this.#n ||= 7; ({ x: this.#n = 5 } = { x: this.#n + 1 }); [this.#o.p] = [4]; return [this.#n, this.#o?.p, this?.#n, this.#f(), delete this.#o.p, `${this.#n}`]; } } export const run = () => new A().run();',
  'the same private name in a class inside of another': 'class A { #x = 1; inner() { const { outer } = this; return new (class B { #x = 2; #y = 3; both = a => [a.outer, this.#x, this.#y]; })().both(this); } get outer() { return this.#x; } } export const run = () => new A().inner();',
  'a private name of the class around it': 'class A { #x = 1; run() { const a = this; return new (class { #y = a.#x; get() { return [this.#y, a.#x]; } })().get(); } } export const run = () => new A().run();',
  'a value that is a class with fields': 'class A { B = class { #z = 1; z = this.#z; }; } export const run = () => new new A().B().z;',
  'class expressions': 'const A = class { #x = 1; get x() { return this.#x; } }; const B = class Inner { static n = Inner.name; }; export default class { z = 1; } export const run = () => [new A().x, A.name, B.n, new B() instanceof B];',
  '`this` and `arguments` of functions in values': 'class A { n = 1; arrow = () => this.n; plain = function () { return arguments.length; }; } export const run = () => [new A().arrow(), new A().plain(1, 2)];',
  'text beyond ASCII before names': '/* “é” 😀 */ class A { é = "😀"; #ü = "“"; get all() { return this.é + this.#ü; } } export const run = () => new A().all;',
  'a brand in a module without fields': 'class A { #is() {} static is(x) { return #is in x; } } export const run = () => [A.is(new A()), A.is({}), A.is(new Proxy(new A(), {}))];',
};

/** Modules that the build refuses, and what its message contains. */
const REFUSED = {
  'a brand beside a field': ['class A { #a = 1; static is(x) { return #a in x; } }', 'WeakSet'],
  '`new.target` in a field': ['class A { a = new.target; }', 'new.target'],
  '`new.target` in a constructor': ['class A { #a = 1; constructor() { this.b = new.target; } }', 'new.target'],
  'two subclasses of one name': ['class A { #a = 1; } { class B extends A { #a = 2; } } class C { static D = class B extends A { #a = 3; }; }', 'rename one'],
  'a property with a short name': ['class A { #a = 1; $a = 2; }', 'rename it'],
  'a method with a short name': ['class A { #a = 1; $a() {} }', 'rename it'],
  'a member with a short name': ['class A { #a = 1; b(c) { return c.$aB; } }', 'rename it'],
  'a destructured short name': ['class A { #a = 1; b({ $a: c }) { return c; } }', 'rename it'],
  '`this` in a default': ['class A { #a = 1; constructor(b = this.#a) { this.b = b; } }', 'in the body'],
  '`super` in a default': ['class A {} class B extends A { #a = 1; constructor(b = super()) { this.b = b; } }', 'in the body'],
  'a subclass without a name': ['export const A = class extends Object { #a = 1; };', 'give it a name'],
};

const FIELDS = ['class A { a }', 'class A { #a }', 'class A { a = 1 }', 'class A { static a }', 'class A { static #a = 1 }', 'class A { [a] = 1 }', 'class A { static {} }', '(class { "a" = 1 })', 'class A { a() { class B { b } } }'];
const NO_FIELDS = ['class A { a() {} #b() {} get c() {} static d() {} constructor() { this.e = 1; } }', 'const a = { b: 1, static: 2 }', 'a: { b = 1 }'];

export default (test, { assert, deepEqual, equal }) => {
  const tools = withBundler(fileURLToPath(new URL('.', import.meta.url)));
  const run = async code => JSON.stringify((await import(`data:text/javascript,${encodeURIComponent(code)}`)).run());

  test('fields: classes that are lowered to no fields behave as classes with fields', async () => {
    const { fieldsIn, lower } = await tools;
    for (const [shape, code] of Object.entries(SHAPES)) {
      const { code: after } = lower('a.js', code) ?? { code };
      deepEqual(fieldsIn('a.js', after), [], shape);
      equal(await run(after), await run(code), shape);
    }
  });

  test('fields: the build refuses classes that it cannot move fields of', async () => {
    const { lower } = await tools;
    for (const [shape, [code, message]] of Object.entries(REFUSED)) {
      let error;
      try {
        lower('a.js', code);
      } catch (thrown) {
        error = thrown;
      }
      assert(error?.message.includes(message), `${shape}: ${error}`);
    }
  });

  test('fields: the build refuses subclasses of one name in two modules', async () => {
    const { lower } = await withBundler(fileURLToPath(new URL('.', import.meta.url)));
    const code = 'class A {} class B extends A { #a = 1; }';
    lower('a.js', code);
    lower('a.js', code);
    let message;
    try {
      lower('b.js', code);
    } catch (error) {
      ({ message } = error);
    }
    equal(message, 'b.js: two classes named `B` extend others and have private members: rename one');
  });

  test('fields: the check of scripts finds each kind of field, and static blocks', async () => {
    const { fieldsIn } = await tools;
    for (const code of FIELDS) equal(fieldsIn('a.js', code).length, 1, code);
    for (const code of NO_FIELDS) equal(fieldsIn('a.js', code).length, 0, code);
  });

  test('fields: source maps lead to the lines and the names of the source', async () => {
    const { lower } = await tools;
    const source = '// A comment.\nclass A {\n  #one = 1;\n\n  two() {\n    return this.#one.three;\n  }\n}\n';
    const { map } = lower('/a.js', source);
    const { mappings, sourcesContent } = typeof map === 'string' ? JSON.parse(map) : map;
    deepEqual(sourcesContent, [source]);
    const lines = decoded(mappings);
    assert(lines.includes(5), `no position of line 6 in ${mappings}`);
    assert(Math.max(...lines) <= 7, `a position beyond the source in ${mappings}`);
  });
};

/** The lines of the source in the mappings of a source map. */
const decoded = mappings => {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  let line = 0;
  return mappings.split(/[;,]/).filter(Boolean).map(segment => {
    const numbers = [];
    let [value, shift] = [0, 0];
    for (const digit of segment) {
      const bits = digits.indexOf(digit);
      value |= (bits & 31) << shift;
      shift += 5;
      if (bits & 32) continue;
      numbers.push(value & 1 ? -(value >> 1) : value >> 1);
      [value, shift] = [0, 0];
    }
    return (line += numbers[2] ?? 0);
  });
};
