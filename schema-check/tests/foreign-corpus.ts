// Single changes to the graphs in fixtures/foreign, with the expected findings, written before the check had run on any of
// them. The graphs are other people's: another domain each, and the layouts and features that they use.

import type { Level } from "../src/changes.ts";

export interface ForeignCase {
  name: string;
  edits: [file: string, from: string, to: string][];
  /** Whether the check fails. */
  fails: boolean;
  /** All breaking and dangerous changes, and some safe ones: the level, then the operations that use it. */
  changes?: Record<string, [Level, ...string[]]>;
  invalid?: string[];
  /** The kind of an error of composition. */
  composition?: RegExp;
}

const FLIGHTS = "platform/graph/flights/schema.graphql";
const BOOKINGS = "platform/graph/bookings/schema.graphql";
const AIRLINE_LIST = "platform/graph/supergraph.yaml";

export const airline: ForeignCase[] = [
  {
    name: "a field in a template is removed",
    edits: [[FLIGHTS, "  arrivesAt: DateTime\n", ""]],
    fails: true,
    changes: { "FIELD_REMOVED Flight.arrivesAt": ["breaking", "SearchFlights"] },
    invalid: ["SearchFlights"],
  },
  {
    name: "a field in an interpolated fragment is removed",
    edits: [[BOOKINGS, "  refundable: Boolean!\n", ""]],
    fails: true,
    changes: { "FIELD_REMOVED Fare.refundable": ["breaking", "FlightPage"] },
    invalid: ["FlightPage"],
  },
  {
    name: "a deprecated field that nobody selects is removed",
    edits: [[FLIGHTS, '  delay: Int @deprecated(reason: "Use `departsAt`.")\n', ""]],
    fails: false,
    changes: { "FIELD_REMOVED Flight.delay": ["breaking"] },
  },
  {
    name: "an argument loses its default, which a variable with a default of its own survives",
    edits: [[FLIGHTS, "range(unit: Unit! = KILOMETRE)", "range(unit: Unit!)"]],
    fails: false,
    changes: { "FIELD_ARGUMENT_DEFAULT_CHANGED Plane.range.unit": ["breaking"] },
  },
  {
    name: "an argument loses its default, and a document passes it by itself",
    edits: [[FLIGHTS, "sort: FlightSort! = DEPARTURE", "sort: FlightSort!"]],
    fails: false,
    changes: { "FIELD_ARGUMENT_DEFAULT_CHANGED Query.flights.sort": ["breaking"] },
  },
  {
    name: "a hidden field is removed",
    edits: [[FLIGHTS, "  crewNotes: String @inaccessible\n", ""]],
    fails: false,
    changes: {},
  },
  {
    name: "a hidden enum value is shown",
    edits: [[FLIGHTS, "  TEST @inaccessible\n", "  TEST\n"]],
    fails: false,
    changes: { "ENUM_VALUE_ADDED FlightStatus.TEST": ["dangerous", "FlightPage"] },
  },
  {
    name: "a hidden member of a union is shown",
    edits: [[BOOKINGS, "type Note @inaccessible {", "type Note {"]],
    fails: false,
    changes: { "UNION_MEMBER_ADDED Result": ["dangerous", "Search"], "TYPE_ADDED Note": ["safe"] },
  },
  {
    name: "a hidden implementor of an interface is shown",
    edits: [
      [FLIGHTS, "type Tug implements Vehicle @inaccessible {", "type Tug implements Vehicle {"],
    ],
    fails: false,
    changes: {
      "OBJECT_TYPE_INTERFACE_ADDED Tug": ["dangerous", "Vehicles"],
      "TYPE_ADDED Tug": ["safe"],
    },
  },
  {
    name: "a member of a union is hidden",
    edits: [
      [BOOKINGS, "union Result = Booking | Passenger | Note", "union Result = Booking | Note"],
    ],
    fails: true,
    changes: { "UNION_MEMBER_REMOVED Result": ["breaking", "Search"] },
    invalid: ["Search"],
  },
  {
    name: "the specification of a scalar changes",
    edits: [[FLIGHTS, "https://scalars.example/date-time", "https://scalars.example/local"]],
    fails: false,
    changes: {
      "SCALAR_SPECIFIED_BY_CHANGED DateTime": ["dangerous", "FlightPage", "SearchFlights"],
    },
  },
  {
    name: "an input takes exactly one of its fields no more",
    edits: [[BOOKINGS, "input SeatInput @oneOf {", "input SeatInput {"]],
    fails: false,
    changes: { "INPUT_ONE_OF_REMOVED SeatInput": ["safe"] },
  },
  {
    name: "an input takes exactly one of its fields",
    edits: [[FLIGHTS, "input FlightFilter {", "input FlightFilter @oneOf {"]],
    fails: true,
    changes: { "INPUT_ONE_OF_ADDED FlightFilter": ["breaking", "SearchFlights"] },
  },
  {
    name: "an input field is required now",
    edits: [
      [
        BOOKINGS,
        "  email: String!\n  name: String\n}\n\ninput",
        "  email: String!\n  name: String!\n}\n\ninput",
      ],
    ],
    fails: true,
    changes: { "INPUT_FIELD_TYPE_CHANGED PassengerInput.name": ["breaking", "Book"] },
  },
  {
    name: "an argument that a document writes is removed",
    edits: [
      [
        BOOKINGS,
        "cancelBooking(reference: String!, reason: String)",
        "cancelBooking(reference: String!)",
      ],
    ],
    fails: true,
    changes: { "FIELD_ARGUMENT_REMOVED Mutation.cancelBooking.reason": ["breaking", "Cancel"] },
    invalid: ["Cancel"],
  },
  {
    name: "a field needs no sign-in any more",
    edits: [[BOOKINGS, "me: Passenger @authenticated", "me: Passenger"]],
    fails: false,
    changes: { "SCOPES_REMOVED Query.me": ["dangerous", "Account"] },
  },
  {
    name: "a field needs another scope, which nobody selects",
    edits: [[BOOKINGS, '[["staff"]]', '[["crew"]]']],
    fails: false,
    changes: { "SCOPES_CHANGED Booking.history": ["breaking"] },
  },
  {
    name: "a field in the configuration's own schema is removed",
    edits: [[AIRLINE_LIST, "          miles: Int!\n", ""]],
    fails: false,
    changes: { "FIELD_REMOVED Passenger.miles": ["breaking"] },
  },
  {
    name: "an enum value in the configuration's own schema is removed",
    edits: [[AIRLINE_LIST, "          SILVER\n", ""]],
    fails: true,
    changes: { "ENUM_VALUE_REMOVED Tier.SILVER": ["breaking", "Account"] },
  },
  {
    name: "the tag of a cache changes, which no client sees",
    edits: [[FLIGHTS, "flight-{$key.id}", "f-{$key.id}"]],
    fails: false,
    changes: {},
  },
  {
    name: "a field gets a cost",
    edits: [[FLIGHTS, "  seats: Int!\n", "  seats: Int! @cost(weight: 3)\n"]],
    fails: false,
    changes: {},
  },
  {
    name: "a field of a type that is gone",
    edits: [[FLIGHTS, "  plane: Plane\n", "  plane: Aircraft\n"]],
    fails: true,
    composition: /./,
  },
];

const PATIENTS = "graph/patients.graphqls";
const RECORDS = "graph/records.graphqls";
const CALENDAR = "graph/calendar.graphqls";

const ROW = ["PatientListQuery", "PatientScreenQuery"] as const;

export const clinic: ForeignCase[] = [
  {
    name: "a field in a fragment that two documents spread is removed",
    edits: [[RECORDS, "  summary: String\n", ""]],
    fails: true,
    changes: { "FIELD_REMOVED Visit.summary": ["breaking", ...ROW] },
    invalid: [...ROW],
  },
  {
    name: "a field that only another subgraph has is removed",
    edits: [
      [
        CALENDAR,
        'type Visit @key(fields: "id") {\n  id: ID!\n  minutes: Int\n}',
        'type Visit @key(fields: "id") {\n  id: ID!\n  room: Int\n}',
      ],
    ],
    fails: true,
    changes: {
      "FIELD_REMOVED Visit.minutes": ["breaking", ...ROW],
      "FIELD_ADDED Visit.room": ["safe"],
    },
    invalid: [...ROW],
  },
  {
    name: "an argument that Relay passes by a variable gets another type",
    edits: [[PATIENTS, "patients(first: Int,", "patients(first: String,"]],
    fails: true,
    changes: {
      "FIELD_ARGUMENT_TYPE_CHANGED Query.patients.first": ["breaking", "PatientListQuery"],
    },
    invalid: ["PatientListQuery"],
  },
  {
    name: "an argument is required now, which is passed by a variable that may be null",
    edits: [[PATIENTS, "ward: Ward): PatientConnection!", "ward: Ward!): PatientConnection!"]],
    fails: true,
    changes: {
      "FIELD_ARGUMENT_TYPE_CHANGED Query.patients.ward": ["breaking", "PatientListQuery"],
    },
    invalid: ["PatientListQuery"],
  },
  {
    name: "an enum value that inputs and outputs have is removed everywhere",
    edits: [
      [PATIENTS, "  CHILDREN\n", ""],
      [CALENDAR, "  CHILDREN\n", ""],
    ],
    fails: true,
    changes: {
      "ENUM_VALUE_REMOVED Ward.CHILDREN": [
        "breaking",
        ...["PatientListQuery", "PatientScreenAdmitMutation", "PatientScreenFreedSubscription"],
        ...["PatientScreenQuery", "WardQuery"],
      ],
    },
  },
  {
    name: "an enum value that inputs and outputs have is removed in one subgraph only",
    edits: [[CALENDAR, "  CHILDREN\n", ""]],
    fails: true,
    composition: /ENUM_VALUE_MISMATCH/,
  },
  {
    name: "an enum value that nobody writes is removed",
    edits: [[RECORDS, "  PRESCRIPTION\n", ""]],
    fails: false,
    changes: { "ENUM_VALUE_REMOVED RecordKind.PRESCRIPTION": ["breaking"] },
  },
  {
    name: "an enum value that a document writes is removed",
    edits: [[RECORDS, "enum RecordKind {\n  FINDING\n", "enum RecordKind {\n"]],
    fails: true,
    changes: { "ENUM_VALUE_REMOVED RecordKind.FINDING": ["breaking", "PatientScreenQuery"] },
    invalid: ["PatientScreenQuery"],
  },
  {
    name: "a type stops implementing the interface that a document selects",
    edits: [[RECORDS, "type Finding implements Record @key", "type Finding @key"]],
    fails: true,
    changes: { "OBJECT_TYPE_INTERFACE_REMOVED Finding": ["breaking", "PatientScreenQuery"] },
    invalid: ["PatientScreenQuery"],
  },
  {
    name: "a new type implements the interface",
    edits: [
      [
        RECORDS,
        "type Drug @key",
        "type Scan implements Record { id: ID! title: String! writtenBy: String }\n\ntype Drug @key",
      ],
    ],
    fails: false,
    changes: {
      "OBJECT_TYPE_INTERFACE_ADDED Scan": ["dangerous", "PatientScreenQuery"],
      "TYPE_ADDED Scan": ["safe"],
    },
  },
  {
    name: "an argument from the context is no argument of clients",
    edits: [[RECORDS, 'text(locale: String @fromContext(field: "$patient { locale }"))', "text"]],
    fails: false,
    changes: {},
  },
  {
    name: "the selection of a context is formatted",
    edits: [[RECORDS, "$patient { locale }", "$patient   {locale}"]],
    fails: false,
    changes: {},
  },
  {
    name: "a field needs a policy that a document selects",
    edits: [
      [
        PATIENTS,
        "  birthday: Date\n  ward",
        '  birthday: Date @policy(policies: [["nurse"]])\n  ward',
      ],
    ],
    fails: true,
    changes: { "SCOPES_ADDED Patient.birthday": ["breaking", "PatientScreenQuery"] },
  },
  {
    name: "a field is never null any more",
    edits: [[PATIENTS, "  birthday: Date\n  ward", "  birthday: Date!\n  ward"]],
    fails: false,
    changes: { "FIELD_TYPE_CHANGED Patient.birthday": ["safe"] },
  },
  {
    name: "a field may be null now",
    edits: [[CALENDAR, "  startsAt: String!\n", "  startsAt: String\n"]],
    fails: true,
    changes: {
      "FIELD_TYPE_CHANGED Slot.startsAt": ["breaking", "PatientScreenQuery", "WardQuery"],
    },
  },
  {
    name: "the subscription is removed",
    edits: [[CALENDAR, "type Subscription {\n  slotFreed(ward: Ward): Slot!\n}\n", ""]],
    fails: true,
    changes: {
      "SCHEMA_SUBSCRIPTION_TYPE_CHANGED schema": ["breaking", "PatientScreenFreedSubscription"],
      "TYPE_REMOVED Subscription": ["breaking", "PatientScreenFreedSubscription"],
    },
    invalid: ["PatientScreenFreedSubscription"],
  },
  {
    name: "a root field moves to another subgraph",
    edits: [
      [CALENDAR, "type Query {\n  slots(day: Date!, ward: Ward): [Slot!]!\n}\n", ""],
      [
        PATIENTS,
        "  viewer: Viewer!\n}",
        "  viewer: Viewer!\n  slots(day: Date!, ward: Ward): [Slot!]!\n}\n\ntype Slot { id: ID! startsAt: String! minutes: Int! state: SlotState! }\n\nenum SlotState { FREE TAKEN }",
      ],
      [CALENDAR, "type Slot {", "type Slot @shareable {"],
      [PATIENTS, "type Slot {", "type Slot @shareable {"],
    ],
    fails: false,
    changes: {},
  },
  {
    name: "the default of an argument that a document leaves out changes",
    edits: [
      [
        CALENDAR,
        "reservations(upcoming: Boolean = true)",
        "reservations(upcoming: Boolean = false)",
      ],
    ],
    fails: false,
    changes: {
      "FIELD_ARGUMENT_DEFAULT_CHANGED Patient.reservations.upcoming": [
        "dangerous",
        "PatientScreenQuery",
      ],
    },
  },
  {
    name: "an optional argument is added",
    edits: [
      [CALENDAR, "patient: ID!, note: String)", "patient: ID!, note: String, urgent: Boolean)"],
    ],
    fails: false,
    changes: {
      "FIELD_ARGUMENT_ADDED Mutation.reserve.urgent": ["dangerous", "PatientScreenReserveMutation"],
    },
  },
  {
    name: "a required argument is added",
    edits: [
      [CALENDAR, "patient: ID!, note: String)", "patient: ID!, note: String, urgent: Boolean!)"],
    ],
    fails: true,
    changes: {
      "FIELD_ARGUMENT_ADDED Mutation.reserve.urgent": ["breaking", "PatientScreenReserveMutation"],
    },
    invalid: ["PatientScreenReserveMutation"],
  },
];

const RECIPES = "subgraphs/recipes.graphql";
const RATINGS = "subgraphs/ratings.graphql";
const PANTRY = "subgraphs/pantry.graphql";

export const kitchen: ForeignCase[] = [
  {
    name: "a field of an interface object is removed",
    edits: [[RATINGS, "  average: Float\n", ""]],
    fails: true,
    changes: {
      "FIELD_REMOVED Cake.average": ["breaking"],
      "FIELD_REMOVED Dish.average": ["breaking", "DishPage"],
      "FIELD_REMOVED Soup.average": ["breaking"],
    },
    invalid: ["DishPage"],
  },
  {
    name: "a field in a fragment of another file is removed",
    edits: [[PANTRY, "  amount: Float!\n", ""]],
    fails: true,
    changes: { "FIELD_REMOVED Quantity.amount": ["breaking", "DishPage"] },
    invalid: ["DishPage"],
  },
  {
    name: "a field in a fragment that is a template of its own is removed",
    edits: [[RECIPES, "  minutes: Int\n}\n\ntype Soup", "}\n\ntype Soup"]],
    fails: true,
    changes: { "FIELD_REMOVED Dish.minutes": ["breaking", "DishPage"] },
    invalid: ["DishPage"],
  },
  {
    name: "a field of one type is removed that nobody selects there",
    edits: [[RECIPES, "  frosting: String\n", ""]],
    fails: false,
    changes: { "FIELD_REMOVED Cake.frosting": ["breaking"] },
  },
  {
    name: "a field that a client selects on one type changes its type",
    edits: [
      [RECIPES, "  layers: Int!\n", "  layers: Float!\n"],
      [PANTRY, "  layers: Int! @external", "  layers: Float! @external"],
    ],
    fails: true,
    changes: { "FIELD_TYPE_CHANGED Cake.layers": ["breaking", "DishPage"] },
  },
  {
    name: "an external field is forgotten",
    edits: [[RECIPES, "  layers: Int!\n", "  layers: Float!\n"]],
    fails: true,
    composition: /TYPE_MISMATCH/,
  },
  {
    name: "an enum value that a document writes is removed",
    edits: [[RECIPES, "  DESSERT\n", ""]],
    fails: true,
    changes: { "ENUM_VALUE_REMOVED Course.DESSERT": ["breaking", "DessertList"] },
    invalid: ["DessertList"],
  },
  {
    name: "an enum value that no document writes is removed",
    edits: [[RECIPES, "  STARTER\n", ""]],
    fails: false,
    changes: { "ENUM_VALUE_REMOVED Course.STARTER": ["breaking"] },
  },
  {
    name: "an enum value is added that answers can have",
    edits: [[RATINGS, "  THREE\n", "  THREE\n  FOUR\n"]],
    fails: false,
    changes: { "ENUM_VALUE_ADDED Stars.FOUR": ["dangerous", "Best", "Rate"] },
  },
  {
    name: "a member is added to a union that is selected",
    edits: [
      [
        PANTRY,
        "union Storage = Shelf | Fridge",
        "union Storage = Shelf | Fridge | Cellar\n\ntype Cellar { depth: Int }",
      ],
    ],
    fails: false,
    changes: { "UNION_MEMBER_ADDED Storage": ["dangerous", "DishPage"] },
  },
  {
    name: "a member of a union is removed that no document names",
    edits: [[PANTRY, "union Storage = Shelf | Fridge", "union Storage = Fridge"]],
    fails: true,
    changes: { "UNION_MEMBER_REMOVED Storage": ["breaking", "DishPage"] },
  },
  {
    name: "an input field that a document writes is removed",
    edits: [[RATINGS, "input CommentInput {\n  text: String!\n", "input CommentInput {\n"]],
    fails: true,
    changes: { "INPUT_FIELD_REMOVED CommentInput.text": ["breaking", "Rate"] },
    invalid: ["Rate"],
  },
  {
    name: "an input field that no document writes is removed",
    edits: [[RATINGS, "  language: String\n", ""]],
    fails: false,
    changes: { "INPUT_FIELD_REMOVED CommentInput.language": ["breaking"] },
  },
  {
    name: "the default of an input field that no document writes changes",
    edits: [[RATINGS, "anonymous: Boolean = false", "anonymous: Boolean = true"]],
    fails: false,
    changes: {
      "INPUT_FIELD_DEFAULT_VALUE_CHANGED CommentInput.anonymous": ["dangerous", "Rate"],
    },
  },
  {
    name: "an input field that a document leaves out is required",
    edits: [[RATINGS, "  language: String\n", "  language: String!\n"]],
    fails: true,
    changes: { "INPUT_FIELD_TYPE_CHANGED CommentInput.language": ["breaking", "Rate"] },
    invalid: ["Rate"],
  },
  {
    name: "an argument is deprecated that a document writes",
    edits: [
      [
        RATINGS,
        "order: RatingOrder)",
        'order: RatingOrder @deprecated(reason: "Always the newest."))',
      ],
    ],
    fails: false,
    changes: {
      "FIELD_ARGUMENT_DEPRECATION_ADDED Dish.ratings.order": ["safe", "Best"],
    },
  },
  {
    name: "the months of a season change, which is no matter of the API",
    edits: [[RECIPES, "@season(months: [11, 12])", "@season(months: [12])"]],
    fails: false,
    changes: {},
  },
  {
    name: "a type loses its key",
    edits: [
      [
        RECIPES,
        'type Cake implements Dish @key(fields: "id") @season',
        "type Cake implements Dish @season",
      ],
    ],
    fails: true,
    composition: /./,
  },
  {
    name: "an argument that a document leaves out loses its default",
    edits: [[RATINGS, "best(count: Int = 3)", "best(count: Int)"]],
    fails: false,
    changes: { "FIELD_ARGUMENT_DEFAULT_CHANGED Query.best.count": ["dangerous", "Best"] },
  },
  {
    name: "the variable with a default may be null where the argument may not: as before",
    edits: [[RECIPES, "limit: Int! = 20", "limit: Int! = 30"]],
    fails: false,
    changes: { "FIELD_ARGUMENT_DEFAULT_CHANGED Query.dishes.limit": ["dangerous", "DessertList"] },
  },
];
