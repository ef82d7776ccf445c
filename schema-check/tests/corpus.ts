// Single changes to the graph in fixtures/library, with the expected findings. They were written before the check
// had run on any of them; where it disagreed, one of the two was wrong (see the history of this file).

import type { Level } from "../src/changes.ts";

export interface Case {
  name: string;
  /** File, old text, new text. */
  edits: [file: string, from: string, to: string][];
  /** The code of one of the errors, when the graph does not compose. */
  compositionError?: RegExp;
  exit: 0 | 1;
  /** All breaking and dangerous changes, and some safe ones: the level, then the operations that use it. */
  changes?: Record<string, [Level, ...string[]]>;
  /** The operations that become invalid. */
  invalid?: string[];
}

const CATALOG = "catalog.graphql";
const PEOPLE = "people.graphql";
const STOCK = "stock.graphql";
const PERMISSIONS = "docs/permissions.json";

const UPPER = "directive @upper(by: Int = 1, not: Boolean) repeatable on FIELD | FRAGMENT_SPREAD";

/** An executable directive must be the same in all subgraphs. */
function upper(from: string, to: string): Case["edits"] {
  return [CATALOG, PEOPLE, STOCK].map((file) => [file, UPPER, UPPER.replace(from, to)]);
}

export const corpus: Case[] = [
  // Fields.
  {
    name: "a field that a document selects is removed",
    edits: [[CATALOG, '  "How long."\n  minutes: Int\n', ""]],
    exit: 1,
    changes: { "FIELD_REMOVED Film.minutes": ["breaking", "Search"] },
    invalid: ["Search"],
  },
  {
    name: "a field that nobody selects is removed",
    edits: [[CATALOG, '  "Below the title."\n  subtitle: String\n', ""]],
    exit: 0,
    changes: { "FIELD_REMOVED Book.subtitle": ["breaking"] },
  },
  {
    name: "a deprecated field that nobody selects is removed",
    edits: [
      [CATALOG, '  "Its former price."\n  oldPrice: Int @deprecated(reason: "Use `price`.")\n', ""],
    ],
    exit: 0,
    changes: { "FIELD_REMOVED Book.oldPrice": ["breaking"] },
  },
  {
    name: "a field that only a fragment selects is removed",
    edits: [[CATALOG, '  "Words on it."\n  tags: [String!]!\n', ""]],
    exit: 1,
    changes: { "FIELD_REMOVED Book.tags": ["breaking", "BookList"] },
    invalid: ["BookList"],
  },
  {
    name: "a field is added",
    edits: [[CATALOG, "  subtitle: String\n", "  subtitle: String\n  language: String\n"]],
    exit: 0,
    changes: { "FIELD_ADDED Book.language": ["safe"] },
  },
  {
    name: "a field is renamed",
    edits: [[STOCK, "  price: Int\n", "  cost: Int\n"]],
    exit: 1,
    changes: {
      "FIELD_REMOVED Book.price": ["breaking", "BookPage"],
      "FIELD_ADDED Book.cost": ["safe"],
    },
    invalid: ["BookPage"],
  },
  {
    name: "a field is never null any more",
    edits: [[CATALOG, "  minutes: Int\n", "  minutes: Int!\n"]],
    exit: 0,
    changes: { "FIELD_TYPE_CHANGED Film.minutes": ["safe"] },
  },
  {
    name: "a field may be null now",
    edits: [
      [CATALOG, "  pages: Int!\n", "  pages: Int\n"],
      [STOCK, "  pages: Int! @external", "  pages: Int @external"],
    ],
    exit: 1,
    changes: { "FIELD_TYPE_CHANGED Book.pages": ["breaking", "BookPage"] },
  },
  {
    name: "a field has another type",
    edits: [[CATALOG, "  minutes: Int\n", "  minutes: String\n"]],
    exit: 1,
    changes: { "FIELD_TYPE_CHANGED Film.minutes": ["breaking", "Search"] },
  },
  {
    name: "a field that nobody selects has another type",
    edits: [[CATALOG, "  subtitle: String\n", "  subtitle: Int\n"]],
    exit: 0,
    changes: { "FIELD_TYPE_CHANGED Book.subtitle": ["breaking"] },
  },
  {
    name: "a list becomes a single value",
    edits: [[CATALOG, "  tags: [String!]!\n", "  tags: String!\n"]],
    exit: 1,
    changes: { "FIELD_TYPE_CHANGED Book.tags": ["breaking", "BookList"] },
  },
  {
    name: "an item of a list may be null now",
    edits: [[CATALOG, "  tags: [String!]!\n", "  tags: [String]!\n"]],
    exit: 1,
    changes: { "FIELD_TYPE_CHANGED Book.tags": ["breaking", "BookList"] },
  },
  {
    name: "a field of an interface may be null now; those of its types may not",
    edits: [
      [
        CATALOG,
        '  "Its title."\n  title: String!\n}\n\n"A book."',
        '  "Its title."\n  title: String\n}\n\n"A book."',
      ],
    ],
    exit: 1,
    changes: { "FIELD_TYPE_CHANGED Item.title": ["breaking", "BookPage"] },
  },
  {
    name: "a query is removed",
    edits: [
      [
        PEOPLE,
        '"What can be read."\ntype Query {\n  "An author."\n  author("Which one." id: ID!): Author\n}\n',
        "",
      ],
    ],
    exit: 1,
    changes: { "FIELD_REMOVED Query.author": ["breaking", "AuthorPage"] },
    invalid: ["AuthorPage"],
  },
  {
    name: "a query that nobody sends is removed",
    edits: [[CATALOG, '  "The book of the day."\n  today: Book\n', ""]],
    exit: 0,
    changes: { "FIELD_REMOVED Query.today": ["breaking"] },
  },
  {
    name: "a mutation is removed",
    edits: [
      [
        STOCK,
        '  "Takes an order back."\n  cancel("Which one." id: ID!, "Why." reason: String): Boolean!\n',
        "",
      ],
    ],
    exit: 1,
    changes: { "FIELD_REMOVED Mutation.cancel": ["breaking", "Cancel"] },
    invalid: ["Cancel"],
  },
  {
    name: "there are no subscriptions any more",
    edits: [
      [
        STOCK,
        '"What can be followed."\ntype Subscription {\n  "Orders as they come."\n  ordered: Receipt!\n}\n',
        "",
      ],
    ],
    exit: 1,
    changes: {
      "SCHEMA_SUBSCRIPTION_TYPE_CHANGED schema": ["breaking", "Ordered"],
      "TYPE_REMOVED Subscription": ["breaking", "Ordered"],
    },
    invalid: ["Ordered"],
  },
  {
    name: "a description is changed",
    edits: [[CATALOG, '"Below the title."', '"Under the title."']],
    exit: 0,
    changes: { "FIELD_DESCRIPTION_CHANGED Book.subtitle": ["safe"] },
  },
  {
    name: "a field is deprecated",
    edits: [
      [CATALOG, "  subtitle: String\n", '  subtitle: String @deprecated(reason: "Use `title`.")\n'],
    ],
    exit: 0,
    changes: { "FIELD_DEPRECATION_ADDED Book.subtitle.@deprecated": ["safe"] },
  },
  {
    name: "a field is no longer deprecated",
    edits: [[CATALOG, 'oldPrice: Int @deprecated(reason: "Use `price`.")', "oldPrice: Int"]],
    exit: 0,
    changes: { "FIELD_DEPRECATION_REMOVED Book.oldPrice.@deprecated": ["safe"] },
  },

  // Arguments.
  {
    name: "a required argument is added to a field that is selected",
    edits: [[PEOPLE, '"Which one." id: ID!', '"Which one." id: ID!, lang: String!']],
    exit: 1,
    changes: { "FIELD_ARGUMENT_ADDED Query.author.lang": ["breaking", "AuthorPage"] },
    invalid: ["AuthorPage"],
  },
  {
    name: "a required argument is added to a field that nobody selects",
    edits: [[CATALOG, "  today: Book\n", "  today(day: String!): Book\n"]],
    exit: 0,
    changes: { "FIELD_ARGUMENT_ADDED Query.today.day": ["breaking"] },
  },
  {
    name: "an optional argument is added",
    edits: [[PEOPLE, '"Which one." id: ID!', '"Which one." id: ID!, lang: String']],
    exit: 0,
    changes: { "FIELD_ARGUMENT_ADDED Query.author.lang": ["dangerous", "AuthorPage"] },
  },
  {
    name: "an argument with a default is added",
    edits: [[PEOPLE, '"Which one." id: ID!', '"Which one." id: ID!, lang: String! = "en"']],
    exit: 0,
    changes: { "FIELD_ARGUMENT_ADDED Query.author.lang": ["dangerous", "AuthorPage"] },
  },
  {
    name: "an argument that one of two documents gives is removed",
    edits: [[CATALOG, '    "Of these genres only."\n    genres: [Genre!]\n', ""]],
    exit: 1,
    changes: { "FIELD_ARGUMENT_REMOVED Query.books.genres": ["breaking", "Novels"] },
    invalid: ["Novels"],
  },
  {
    name: "an argument that nobody gives is removed",
    edits: [[STOCK, ', "Why." reason: String)', ")"]],
    exit: 0,
    changes: { "FIELD_ARGUMENT_REMOVED Mutation.cancel.reason": ["breaking"] },
  },
  {
    name: "an argument is renamed",
    edits: [[STOCK, 'cancel("Which one." id: ID!', 'cancel("Which one." number: ID!']],
    exit: 1,
    changes: {
      "FIELD_ARGUMENT_REMOVED Mutation.cancel.id": ["breaking", "Cancel"],
      "FIELD_ARGUMENT_ADDED Mutation.cancel.number": ["breaking", "Cancel"],
    },
    invalid: ["Cancel"],
  },
  {
    name: "an argument must not be null any more: a variable that can be null is broken, a number is not",
    edits: [[CATALOG, "first: Int = 10", "first: Int! = 10"]],
    exit: 1,
    changes: { "FIELD_ARGUMENT_TYPE_CHANGED Query.books.first": ["breaking", "BookList"] },
  },
  {
    name: "an argument becomes required that a document leaves out",
    edits: [[STOCK, "reason: String)", "reason: String!)"]],
    exit: 1,
    changes: { "FIELD_ARGUMENT_TYPE_CHANGED Mutation.cancel.reason": ["breaking", "Cancel"] },
    invalid: ["Cancel"],
  },
  {
    name: "an argument may be null now",
    edits: [[STOCK, 'cancel("Which one." id: ID!', 'cancel("Which one." id: ID']],
    exit: 0,
    changes: { "FIELD_ARGUMENT_TYPE_CHANGED Mutation.cancel.id": ["safe"] },
  },
  {
    name: "an argument has another type",
    edits: [[CATALOG, "text: String!", "text: ID!"]],
    exit: 1,
    changes: { "FIELD_ARGUMENT_TYPE_CHANGED Query.search.text": ["breaking", "Search"] },
    invalid: ["Search"],
  },
  {
    name: "an argument takes one value where it took a list",
    edits: [[CATALOG, "genres: [Genre!]", "genres: Genre"]],
    exit: 1,
    changes: { "FIELD_ARGUMENT_TYPE_CHANGED Query.books.genres": ["breaking", "Novels"] },
    invalid: ["Novels"],
  },
  {
    name: "an argument takes a list where it took one value",
    edits: [[CATALOG, "text: String!", "text: [String!]!"]],
    exit: 1,
    changes: { "FIELD_ARGUMENT_TYPE_CHANGED Query.search.text": ["breaking", "Search"] },
    invalid: ["Search"],
  },
  {
    name: "a default is changed: who gives a value does not notice",
    edits: [[CATALOG, "order: Order! = TITLE", "order: Order! = NEWEST"]],
    exit: 0,
    changes: { "FIELD_ARGUMENT_DEFAULT_CHANGED Query.books.order": ["dangerous", "Novels"] },
  },
  {
    name: "a default is gone, so that the argument is required",
    edits: [[CATALOG, "order: Order! = TITLE", "order: Order!"]],
    exit: 1,
    changes: { "FIELD_ARGUMENT_DEFAULT_CHANGED Query.books.order": ["breaking", "Novels"] },
    invalid: ["Novels"],
  },
  {
    name: "a default is added",
    edits: [[STOCK, "reason: String)", 'reason: String = "none")']],
    exit: 0,
    changes: { "FIELD_ARGUMENT_DEFAULT_CHANGED Mutation.cancel.reason": ["dangerous", "Cancel"] },
  },

  // Enums.
  {
    name: "a value is removed from an enum that comes in by a variable and goes out",
    edits: [[CATALOG, '  "Short."\n  POEM\n', ""]],
    exit: 1,
    changes: { "ENUM_VALUE_REMOVED Genre.POEM": ["breaking", "BookList", "BookPage"] },
  },
  {
    name: "a value is removed that a document writes",
    edits: [[CATALOG, '  "Long."\n  NOVEL\n', ""]],
    exit: 1,
    changes: { "ENUM_VALUE_REMOVED Genre.NOVEL": ["breaking", "BookList", "BookPage", "Novels"] },
    invalid: ["Novels"],
  },
  {
    name: "a value of an argument is removed that a document writes",
    edits: [[CATALOG, '  "By age."\n  NEWEST\n', ""]],
    exit: 1,
    changes: { "ENUM_VALUE_REMOVED Order.NEWEST": ["breaking", "BookList"] },
    invalid: ["BookList"],
  },
  {
    name: "a value is removed that a document does not write, but a variable may carry",
    edits: [[STOCK, '  "A box."\n  BOX\n', ""]],
    exit: 1,
    changes: { "ENUM_VALUE_REMOVED Wrap.BOX": ["breaking", "PlaceOrder"] },
  },
  {
    name: "a value is removed that only goes out",
    edits: [[STOCK, '  "Not yet."\n  DRAFT\n', ""]],
    exit: 1,
    changes: { "ENUM_VALUE_REMOVED State.DRAFT": ["breaking", "Novels"] },
  },
  {
    name: "a value is added that goes out",
    edits: [[STOCK, "  PUBLISHED\n", "  PUBLISHED\n  SOLD\n"]],
    exit: 0,
    changes: { "ENUM_VALUE_ADDED State.SOLD": ["dangerous", "Novels"] },
  },
  {
    name: "a value is added that only comes in",
    edits: [[STOCK, "  BOX\n", "  BOX\n  BAG\n"]],
    exit: 0,
    changes: { "ENUM_VALUE_ADDED Wrap.BAG": ["dangerous"] },
  },
  {
    name: "a value is deprecated",
    edits: [[STOCK, "  DRAFT\n", '  DRAFT @deprecated(reason: "It is always out.")\n']],
    exit: 0,
    changes: { "ENUM_VALUE_DEPRECATION_REASON_ADDED State.DRAFT.@deprecated": ["safe", "Novels"] },
  },

  // Inputs.
  {
    name: "an input field is removed that a variable may carry; who writes the object without it is fine",
    edits: [[STOCK, '  "For the staff."\n  note: String\n', ""]],
    exit: 1,
    changes: { "INPUT_FIELD_REMOVED OrderInput.note": ["breaking", "PlaceOrder"] },
  },
  {
    name: "an input field is removed that a document writes",
    edits: [[CATALOG, '  "Not shorter."\n  minPages: Int\n', ""]],
    exit: 1,
    changes: { "INPUT_FIELD_REMOVED BookFilter.minPages": ["breaking", "BookList", "Novels"] },
    invalid: ["Novels"],
  },
  {
    name: "a field of an input in an input is removed",
    edits: [[STOCK, '  "What the card says."\n  card: String\n', ""]],
    exit: 1,
    changes: { "INPUT_FIELD_REMOVED Gift.card": ["breaking", "PlaceOrder"] },
  },
  {
    name: "a required input field is added",
    edits: [[STOCK, "  bookId: ID!\n", "  bookId: ID!\n  address: String!\n"]],
    exit: 1,
    changes: { "INPUT_FIELD_ADDED OrderInput.address": ["breaking", "OrderOne", "PlaceOrder"] },
    invalid: ["OrderOne"],
  },
  {
    name: "an optional input field is added",
    edits: [[CATALOG, "  minPages: Int\n", "  minPages: Int\n  language: String\n"]],
    exit: 0,
    changes: { "INPUT_FIELD_ADDED BookFilter.language": ["safe"] },
  },
  {
    name: "an input field with a default is added",
    edits: [[STOCK, "  bookId: ID!\n", '  bookId: ID!\n  country: String! = "nl"\n']],
    exit: 0,
    changes: { "INPUT_FIELD_ADDED OrderInput.country": ["dangerous", "OrderOne", "PlaceOrder"] },
  },
  {
    name: "an input field must not be null any more; a number is none",
    edits: [[CATALOG, "  minPages: Int\n", "  minPages: Int!\n"]],
    exit: 1,
    changes: { "INPUT_FIELD_TYPE_CHANGED BookFilter.minPages": ["breaking", "BookList"] },
  },
  {
    name: "an input field becomes required that a document leaves out",
    edits: [[CATALOG, "  titleContains: String\n", "  titleContains: String!\n"]],
    exit: 1,
    changes: {
      "INPUT_FIELD_TYPE_CHANGED BookFilter.titleContains": ["breaking", "BookList", "Novels"],
    },
    invalid: ["Novels"],
  },
  {
    name: "an input field may be null now",
    edits: [[STOCK, "  to: String!\n", "  to: String\n"]],
    exit: 0,
    changes: { "INPUT_FIELD_TYPE_CHANGED Gift.to": ["safe"] },
  },
  {
    name: "an input field has another type",
    edits: [[CATALOG, "  minPages: Int\n", "  minPages: String\n"]],
    exit: 1,
    changes: { "INPUT_FIELD_TYPE_CHANGED BookFilter.minPages": ["breaking", "BookList", "Novels"] },
    invalid: ["Novels"],
  },
  {
    name: "the default of an input field is changed: who gives a value does not notice",
    edits: [[STOCK, "count: Int! = 1", "count: Int! = 2"]],
    exit: 0,
    changes: {
      "INPUT_FIELD_DEFAULT_VALUE_CHANGED OrderInput.count": ["dangerous", "PlaceOrder"],
    },
  },
  {
    name: "the default of an input field is gone, so that it is required",
    edits: [[STOCK, "count: Int! = 1", "count: Int!"]],
    exit: 1,
    changes: { "INPUT_FIELD_DEFAULT_VALUE_CHANGED OrderInput.count": ["breaking", "PlaceOrder"] },
  },
  {
    name: "an input is removed with the field that took it",
    edits: [
      [STOCK, '  "For whom."\n  gift: Gift\n', ""],
      [
        STOCK,
        '"A present."\ninput Gift {\n  "For whom."\n  to: String!\n  "What the card says."\n  card: String\n}\n',
        "",
      ],
    ],
    exit: 1,
    changes: {
      "INPUT_FIELD_REMOVED OrderInput.gift": ["breaking", "PlaceOrder"],
      "TYPE_REMOVED Gift": ["breaking", "PlaceOrder"],
    },
  },

  // Types.
  {
    name: "a type is removed, and from its union",
    edits: [
      [CATALOG, "union Hit = Book | Film", "union Hit = Book"],
      [
        CATALOG,
        '"A film."\ntype Film implements Item @key(fields: "id") {\n  "Names it."\n  id: ID!\n  "Its title."\n  title: String!\n  "How long."\n  minutes: Int\n}\n',
        "",
      ],
    ],
    exit: 1,
    changes: {
      "TYPE_REMOVED Film": ["breaking", "Search"],
      "UNION_MEMBER_REMOVED Hit": ["breaking", "Search"],
    },
    invalid: ["Search"],
  },
  {
    name: "a type is no longer in a union",
    edits: [[CATALOG, "union Hit = Book | Film", "union Hit = Book"]],
    exit: 1,
    changes: { "UNION_MEMBER_REMOVED Hit": ["breaking", "Search"] },
    invalid: ["Search"],
  },
  {
    name: "a type is added to a union",
    edits: [[CATALOG, "union Hit = Book | Film", "union Hit = Book | Film | Author"]],
    exit: 0,
    changes: { "UNION_MEMBER_ADDED Hit": ["dangerous", "Search"] },
  },
  {
    name: "a type no longer implements its interface",
    edits: [[CATALOG, "type Film implements Item @key", "type Film @key"]],
    exit: 1,
    changes: { "OBJECT_TYPE_INTERFACE_REMOVED Film": ["breaking", "BookPage"] },
  },
  {
    name: "a type implements a new interface",
    edits: [
      [STOCK, "type Receipt {", "type Receipt implements Numbered {"],
      [
        STOCK,
        '"What was ordered."',
        'interface Numbered {\n  number: String!\n}\n\n"What was ordered."',
      ],
    ],
    exit: 0,
    changes: {
      "OBJECT_TYPE_INTERFACE_ADDED Receipt": ["dangerous"],
      "TYPE_ADDED Numbered": ["safe"],
    },
  },
  {
    name: "an enum becomes a scalar",
    edits: [[STOCK, 'enum Wrap {\n  "Paper."\n  PAPER\n  "A box."\n  BOX\n}', "scalar Wrap"]],
    exit: 1,
    changes: { "TYPE_KIND_CHANGED Wrap": ["breaking", "OrderOne", "PlaceOrder"] },
  },
  {
    name: "a type is renamed",
    edits: [
      [STOCK, "type Receipt {", "type Ticket {"],
      [STOCK, "receipt: Receipt", "receipt: Ticket"],
      [STOCK, "ordered: Receipt!", "ordered: Ticket!"],
    ],
    exit: 1,
    changes: {
      "TYPE_REMOVED Receipt": ["breaking", "OrderOne", "Ordered", "PlaceOrder"],
      "FIELD_TYPE_CHANGED OrderPayload.receipt": ["breaking", "OrderOne", "PlaceOrder"],
      "FIELD_TYPE_CHANGED Subscription.ordered": ["breaking", "Ordered"],
      "TYPE_ADDED Ticket": ["safe"],
    },
  },
  {
    name: "a type is added",
    edits: [[CATALOG, '"A film."', 'type Shelf @key(fields: "id") {\n  id: ID!\n}\n\n"A film."']],
    exit: 0,
    changes: { "TYPE_ADDED Shelf": ["safe"] },
  },

  // Federation.
  {
    name: "the key that the others use is gone",
    edits: [[CATALOG, '@key(fields: "id") @key(fields: "isbn")', '@key(fields: "isbn")']],
    compositionError: /INVALID_FIELD_SHARING/,
    exit: 1,
  },
  {
    name: "the home of a type no longer resolves its key, so that others cannot get there",
    edits: [
      [
        PEOPLE,
        'type Author @key(fields: "id")',
        'type Author @key(fields: "id", resolvable: false)',
      ],
    ],
    compositionError: /SATISFIABILITY_ERROR/,
    exit: 1,
  },
  {
    name: "a key that nobody needs is gone",
    edits: [[CATALOG, ' @key(fields: "isbn")', ""]],
    exit: 0,
    changes: {},
  },
  {
    name: "a key names a field that is not there",
    edits: [
      [
        CATALOG,
        'type Film implements Item @key(fields: "id")',
        'type Film implements Item @key(fields: "ident")',
      ],
    ],
    compositionError: /KEY_INVALID_FIELDS/,
    exit: 1,
  },
  {
    name: "a stub has no key",
    edits: [[PEOPLE, 'type Book @key(fields: "id", resolvable: false)', "type Book"]],
    compositionError: /INVALID_FIELD_SHARING/,
    exit: 1,
  },
  {
    name: "a shared type is no longer shareable in one subgraph",
    edits: [[STOCK, "type Money @shareable", "type Money"]],
    compositionError: /INVALID_FIELD_SHARING/,
    exit: 1,
  },
  {
    name: "a shareable field stays in one subgraph",
    edits: [[PEOPLE, '  "Of what."\n  currency: String!\n', ""]],
    exit: 0,
    changes: {},
  },
  {
    name: "a field moves by @override",
    edits: [
      [
        STOCK,
        "  price: Int\n",
        '  price: Int\n  "Where it stands."\n  shelf: String @override(from: "catalog")\n',
      ],
    ],
    exit: 0,
    changes: {},
  },
  {
    name: "@override names no subgraph of ours",
    edits: [
      [STOCK, "  price: Int\n", '  price: Int\n  shelf: String @override(from: "nowhere")\n'],
    ],
    compositionError: /INVALID_FIELD_SHARING/,
    exit: 1,
  },
  {
    name: "a field moves without @override, both sides at once",
    edits: [
      [CATALOG, '  "Where it stands."\n  shelf: String\n', ""],
      [STOCK, "  price: Int\n", '  price: Int\n  "Where it stands."\n  shelf: String\n'],
    ],
    exit: 0,
    changes: {},
  },
  {
    name: "a field that is needed is no longer external",
    edits: [[STOCK, "pages: Int! @external", "pages: Int!"]],
    compositionError: /REQUIRES_FIELDS_MISSING_EXTERNAL/,
    exit: 1,
  },
  {
    name: "an external field has another type at home",
    edits: [[CATALOG, "  pages: Int!\n", "  pages: String!\n"]],
    compositionError: /EXTERNAL_TYPE_MISMATCH/,
    exit: 1,
  },
  {
    name: "@requires names a field that is not there",
    edits: [[STOCK, '@requires(fields: "pages")', '@requires(fields: "sheets")']],
    compositionError: /REQUIRES_INVALID_FIELDS/,
    exit: 1,
  },
  {
    name: "an external field that nothing needs any more",
    edits: [[STOCK, ' @requires(fields: "pages")', ""]],
    compositionError: /EXTERNAL_UNUSED/,
    exit: 1,
  },
  {
    name: "a field needs nothing any more",
    edits: [
      [STOCK, ' @requires(fields: "pages")', ""],
      [STOCK, '  "How many."\n  pages: Int! @external\n', ""],
    ],
    exit: 0,
    changes: {},
  },
  {
    name: "@provides names a field that is not there",
    edits: [[CATALOG, '@provides(fields: "name")', '@provides(fields: "nickname")']],
    compositionError: /PROVIDES_INVALID_FIELDS/,
    exit: 1,
  },
  {
    name: "one name is two kinds of type",
    edits: [[PEOPLE, '"An amount."', 'type Genre {\n  a: Int\n}\n\n"An amount."']],
    compositionError: /TYPE_KIND_MISMATCH/,
    exit: 1,
  },
  {
    name: "a type lacks a field of its interface",
    edits: [
      [
        CATALOG,
        '  "Its title."\n  title: String!\n  "How long."',
        '  "Its title."\n  name: String!\n  "How long."',
      ],
    ],
    compositionError: /./,
    exit: 1,
  },
  {
    name: "a field that is selected is hidden",
    edits: [[CATALOG, "  tags: [String!]!\n", "  tags: [String!]! @inaccessible\n"]],
    exit: 1,
    changes: { "FIELD_REMOVED Book.tags": ["breaking", "BookList"] },
    invalid: ["BookList"],
  },
  {
    name: "a field that nobody selects is hidden",
    edits: [[CATALOG, "  subtitle: String\n", "  subtitle: String @inaccessible\n"]],
    exit: 0,
    changes: { "FIELD_REMOVED Book.subtitle": ["breaking"] },
  },
  {
    name: "a field gets a tag",
    edits: [[CATALOG, "  subtitle: String\n", '  subtitle: String @tag(name: "new")\n']],
    exit: 0,
    changes: {},
  },
  {
    name: "a subgraph is gone",
    edits: [
      [
        "supergraph.yaml",
        "  stock:\n    routing_url: http://127.0.0.1:9003/graphql\n    schema:\n      file: stock.graphql\n",
        "",
      ],
    ],
    exit: 1,
    changes: {
      "FIELD_REMOVED Book.price": ["breaking", "BookPage"],
      "FIELD_REMOVED Book.weight": ["breaking", "BookPage"],
      "FIELD_REMOVED Book.state": ["breaking", "Novels"],
      "TYPE_REMOVED State": ["breaking", "Novels"],
      "TYPE_REMOVED Mutation": ["breaking", "Cancel", "OrderOne", "PlaceOrder"],
      "TYPE_REMOVED Subscription": ["breaking", "Ordered"],
      "TYPE_REMOVED OrderInput": ["breaking", "OrderOne", "PlaceOrder"],
      "TYPE_REMOVED Gift": ["breaking", "PlaceOrder"],
      "TYPE_REMOVED Wrap": ["breaking", "OrderOne", "PlaceOrder"],
      "TYPE_REMOVED OrderPayload": ["breaking", "OrderOne", "PlaceOrder"],
      "TYPE_REMOVED Receipt": ["breaking", "OrderOne", "Ordered", "PlaceOrder"],
      "SCHEMA_MUTATION_TYPE_CHANGED schema": ["breaking", "Cancel", "OrderOne", "PlaceOrder"],
      "SCHEMA_SUBSCRIPTION_TYPE_CHANGED schema": ["breaking", "Ordered"],
    },
    invalid: ["BookPage", "Cancel", "Novels", "OrderOne", "Ordered", "PlaceOrder"],
  },

  // Descriptions.
  {
    name: "a type is described in other words",
    edits: [[CATALOG, '"Which books."\ninput', '"Books of a kind."\ninput']],
    exit: 0,
    changes: { "TYPE_DESCRIPTION_CHANGED BookFilter": ["safe"] },
  },
  {
    name: "an argument is described in other words",
    edits: [[CATALOG, '"Which one." id', '"Its id." id']],
    exit: 0,
    changes: { "FIELD_ARGUMENT_DESCRIPTION_CHANGED Query.item.id": ["safe"] },
  },
  {
    name: "an input field is described in other words",
    edits: [[CATALOG, '"Not shorter."', '"At least so long."']],
    exit: 0,
    changes: { "INPUT_FIELD_DESCRIPTION_CHANGED BookFilter.minPages": ["safe"] },
  },
  {
    name: "an enum value is described in other words",
    edits: [[CATALOG, '"Long."', '"Very long."']],
    exit: 0,
    changes: { "ENUM_VALUE_DESCRIPTION_CHANGED Genre.NOVEL": ["safe"] },
  },
  {
    name: "a field is deprecated for another reason",
    edits: [[CATALOG, '"Use `price`."', '"Ask for `price`."']],
    exit: 0,
    changes: { "FIELD_DEPRECATION_REASON_CHANGED Book.oldPrice.@deprecated": ["safe"] },
  },

  // Directives.
  {
    name: "a directive is for inline fragments, too",
    edits: upper("FIELD | ", "FIELD | INLINE_FRAGMENT | "),
    exit: 0,
    changes: { "DIRECTIVE_LOCATION_ADDED @upper": ["safe"] },
  },
  {
    name: "a directive is removed that a document carries",
    edits: upper(UPPER, ""),
    exit: 1,
    changes: { "DIRECTIVE_REMOVED @upper": ["breaking", "Novels"] },
    invalid: ["Novels"],
  },
  {
    name: "a directive is added",
    edits: upper("directive", "directive @lower on FIELD\n\ndirective"),
    exit: 0,
    changes: { "DIRECTIVE_ADDED @lower": ["safe"] },
  },
  {
    name: "a directive is no longer for fields, where a document has it",
    edits: upper("FIELD | ", ""),
    exit: 1,
    changes: { "DIRECTIVE_LOCATION_REMOVED @upper": ["breaking", "Novels"] },
    invalid: ["Novels"],
  },
  {
    name: "a directive is no longer for fragments, where no document has it",
    edits: upper(" | FRAGMENT_SPREAD", ""),
    exit: 0,
    changes: { "DIRECTIVE_LOCATION_REMOVED @upper": ["breaking"] },
  },
  {
    name: "a directive cannot be repeated any more, which no document does",
    edits: upper(" repeatable", ""),
    exit: 0,
    changes: { "DIRECTIVE_REPEATABLE_REMOVED @upper": ["breaking"] },
  },
  {
    name: "a directive needs an argument more",
    edits: upper("not: Boolean", "not: Boolean, how: Int!"),
    exit: 1,
    changes: { "DIRECTIVE_ARGUMENT_ADDED @upper": ["breaking", "Novels"] },
    invalid: ["Novels"],
  },
  {
    name: "a directive has an argument less that a document gives",
    edits: upper("by: Int = 1, ", ""),
    exit: 1,
    changes: { "DIRECTIVE_ARGUMENT_REMOVED @upper.by": ["breaking", "Novels"] },
    invalid: ["Novels"],
  },
  {
    name: "a directive has an argument less that no document gives",
    edits: upper(", not: Boolean", ""),
    exit: 0,
    changes: { "DIRECTIVE_ARGUMENT_REMOVED @upper.not": ["breaking"] },
  },
  {
    name: "an argument of a directive has another type",
    edits: upper("by: Int = 1", "by: Boolean"),
    exit: 1,
    changes: {
      "DIRECTIVE_ARGUMENT_TYPE_CHANGED @upper.by": ["breaking", "Novels"],
      "DIRECTIVE_ARGUMENT_DEFAULT_VALUE_CHANGED @upper.by": ["dangerous"],
    },
    invalid: ["Novels"],
  },
  {
    name: "an argument of a directive is required now, which a document gives",
    edits: upper("by: Int = 1", "by: Int! = 1"),
    exit: 0,
    changes: { "DIRECTIVE_ARGUMENT_TYPE_CHANGED @upper.by": ["breaking"] },
  },

  // Access.
  {
    name: "a field is for who is signed in: an anonymous page that has it through an interface is broken",
    edits: [
      [
        PERMISSIONS,
        '"Author.name":',
        '"Film.title": { "subgraph": "catalog", "who": "signed in" },\n    "Author.name":',
      ],
    ],
    exit: 1,
    changes: { "ACCESS_NARROWED Film.title": ["breaking", "BookPage", "Search"] },
  },
  {
    name: "a field needs no scope any more",
    edits: [[CATALOG, ' @requiresScopes(scopes: [["staff"]])', ""]],
    exit: 0,
    changes: { "SCOPES_REMOVED Book.remark": ["dangerous"] },
  },
  {
    name: "a field that is selected needs a scope",
    edits: [
      [CATALOG, "  shelf: String\n", '  shelf: String @requiresScopes(scopes: [["staff"]])\n'],
    ],
    exit: 1,
    changes: { "SCOPES_ADDED Book.shelf": ["breaking", "AuthorPage"] },
  },
  {
    name: "a field needs another scope",
    edits: [[CATALOG, '[["staff"]]', '[["boss"]]']],
    exit: 0,
    changes: { "SCOPES_CHANGED Book.remark": ["breaking"] },
  },
  {
    name: "a field is for who is signed in: an anonymous page is broken",
    edits: [
      [
        PERMISSIONS,
        '"Book.price": { "subgraph": "stock", "who": "everyone" }',
        '"Book.price": { "subgraph": "stock", "who": "signed in" }',
      ],
    ],
    exit: 1,
    changes: { "ACCESS_NARROWED Book.price": ["breaking", "BookPage"] },
  },
  {
    name: "a field is for librarians: pages of readers and of strangers are broken",
    edits: [
      [
        PERMISSIONS,
        '"Author.name": { "subgraph": "people", "who": "everyone" }',
        '"Author.name": { "subgraph": "people", "who": "librarian" }',
      ],
    ],
    exit: 1,
    changes: { "ACCESS_NARROWED Author.name": ["breaking", "AuthorPage", "BookPage"] },
  },
  {
    name: "a field is for librarians that was for who is signed in",
    edits: [
      [
        PERMISSIONS,
        '"Book.shelf": { "subgraph": "catalog", "who": "signed in" }',
        '"Book.shelf": { "subgraph": "catalog", "who": "librarian, else null" }',
      ],
    ],
    exit: 1,
    changes: { "ACCESS_NARROWED Book.shelf": ["breaking", "AuthorPage"] },
  },
  {
    name: "a field that nobody selects is more private",
    edits: [
      [
        PERMISSIONS,
        '"Author.born": { "subgraph": "people", "who": "everyone" }',
        '"Author.born": { "subgraph": "people", "who": "owner" }',
      ],
    ],
    exit: 0,
    changes: { "ACCESS_NARROWED Author.born": ["breaking"] },
  },
  {
    name: "a field is more public",
    edits: [
      [
        PERMISSIONS,
        '"Book.remark": { "subgraph": "catalog", "who": "librarian" }',
        '"Book.remark": { "subgraph": "catalog", "who": "everyone" }',
      ],
    ],
    exit: 0,
    changes: { "ACCESS_WIDENED Book.remark": ["dangerous"] },
  },
  {
    name: "a field is now denied without an error",
    edits: [
      [
        PERMISSIONS,
        '"Book.remark": { "subgraph": "catalog", "who": "librarian" }',
        '"Book.remark": { "subgraph": "catalog", "who": "librarian, else null" }',
      ],
    ],
    exit: 0,
    changes: { "ACCESS_DENIAL_CHANGED Book.remark": ["dangerous"] },
  },
  {
    name: "a type is asked for by its key by fewer people",
    edits: [[PERMISSIONS, '"stock": "everyone"', '"stock": "signed in"']],
    exit: 1,
    changes: { "ACCESS_NARROWED Book": ["breaking", "BookList", "BookPage", "Search"] },
  },

  // What the inspector does not see, or takes too lightly.
  {
    name: "an argument that a document passes is deprecated",
    edits: [
      [
        STOCK,
        '"Why." reason: String',
        '"Why." reason: String @deprecated(reason: "Nobody reads it.")',
      ],
    ],
    exit: 0,
    changes: { "FIELD_ARGUMENT_DEPRECATION_ADDED Mutation.cancel.reason": ["safe"] },
  },
  {
    name: "an argument that a document gives is deprecated",
    edits: [
      [CATALOG, "genres: [Genre!]\n", 'genres: [Genre!] @deprecated(reason: "Use `filter`.")\n'],
    ],
    exit: 0,
    changes: { "FIELD_ARGUMENT_DEPRECATION_ADDED Query.books.genres": ["safe", "Novels"] },
  },
  {
    name: "an input field is deprecated: documents that give it, or take the whole input, are named",
    edits: [[CATALOG, "minPages: Int\n", 'minPages: Int @deprecated(reason: "Nobody counts.")\n']],
    exit: 0,
    changes: {
      "INPUT_FIELD_DEPRECATION_ADDED BookFilter.minPages": ["safe", "BookList", "Novels"],
    },
  },
  {
    name: "a field that a document selects is deprecated",
    edits: [[CATALOG, "minutes: Int\n", 'minutes: Int @deprecated(reason: "Use `length`.")\n']],
    exit: 0,
    changes: { "FIELD_DEPRECATION_ADDED Film.minutes.@deprecated": ["safe", "Search"] },
  },
  {
    name: "a new type implements an interface that a document selects",
    edits: [
      [
        CATALOG,
        '"What a search finds."',
        'type Map implements Item { id: ID! title: String! }\n"What a search finds."',
      ],
    ],
    exit: 0,
    changes: {
      "TYPE_ADDED Map": ["safe"],
      "OBJECT_TYPE_INTERFACE_ADDED Map": ["dangerous", "BookPage"],
    },
  },
];
