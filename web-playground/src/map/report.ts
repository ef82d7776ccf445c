/** How a change can affect the clients that use what is changed. */
export type Level = 'breaking' | 'dangerous' | 'safe';

/** What happens to a type or a field. */
export type Action = 'added' | 'removed' | 'changed';

export interface AffectedOperation {
  name: string;
  /** Who sends it, such as `student` or the name of a service; empty when it is not known. */
  sender: string;
  /** Undefined when it is not known. */
  requests: number | undefined;
}

/** A change of the graph that a check has found. */
export interface SchemaChange {
  /** Such as `FIELD_REMOVED`. */
  kind: string;
  /** Such as `Course.title`, `Query.course.id` or `@deprecated`. */
  path: string;
  /** The changed type; empty for a directive or the schema itself. */
  type: string;
  field: string | undefined;
  level: Level;
  action: Action;
  message: string;
  reason: string;
  /** The file that has the change. */
  file: string;
  /** Why it was approved. */
  approval: string | undefined;
  affected: AffectedOperation[];
}

/** What a check has found besides changes of the graph: operations that became invalid, lint, plans. */
export interface OtherFinding {
  kind: string;
  path: string;
  message: string;
  severity: string;
}

export interface SchemaReport {
  verdict: 'passed' | 'failed' | 'could-not-run';
  /** The baseline; undefined when changes were not checked. */
  against: string | undefined;
  operations: number;
  changes: SchemaChange[];
  others: OtherFinding[];
  /** What was not checked, in sentences. */
  skipped: string[];
}

const HOW = 'Write one with `lyceum-schema check --write json=report.json`.';
const VERSION = 1;
const VERDICTS = ['passed', 'failed', 'could-not-run'] as const;
const LEVELS = ['breaking', 'dangerous', 'safe'] as const;
/** Sections whose findings are changes of types and fields. */
const CHANGES = ['changes', 'permissions'];
const NAME = /^[_A-Za-z]\w*$/;

/** Reads the JSON that `lyceum-schema check` writes. Throws an error that says what is wrong with another file. */
export function readReport(text: string): SchemaReport {
  const report = parseReport(text);
  const findings = listOf(report.findings, 'findings').map(readFinding);
  const against = report.against ?? undefined;
  return {
    verdict: oneOf(VERDICTS, report.verdict, 'verdict'),
    against: against === undefined ? undefined : textOf(against, 'against'),
    operations: countOf(report.operations, 'operations'),
    changes: findings.flatMap(({ change }) => change ?? []),
    others: findings.flatMap(({ change, other }) => (change ? [] : [other])),
    skipped: listOf(report.skippedChecks ?? [], 'skippedChecks').map((one, index) =>
      textOf(one, `skippedChecks[${index}]`),
    ),
  };
}

function parseReport(text: string): Record<string, unknown> {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    throw new Error(`The file is not JSON. ${HOW}`);
  }
  const report = isRecord(file) ? file : {};
  if (!('version' in report) || !('verdict' in report) || !('findings' in report))
    throw new Error(`The file is JSON, but not the report of a schema check. ${HOW}`);
  if (report.version !== VERSION)
    throw new Error(
      `The report has version ${JSON.stringify(report.version)} of its format, and this page reads version ${VERSION}.`,
    );
  return report;
}

function readFinding(
  value: unknown,
  index: number,
): { change: SchemaChange | undefined; other: OtherFinding } {
  const at = `findings[${index}]`;
  const finding = recordOf(value, at);
  const other = {
    kind: textOf(finding.kind, `${at}.kind`),
    path: textOf(finding.path ?? '', `${at}.path`),
    message: textOf(finding.message, `${at}.message`),
    severity: textOf(finding.severity, `${at}.severity`),
  };
  const isChange = CHANGES.includes(textOf(finding.section, `${at}.section`)) && finding.level !== undefined;
  return { change: isChange ? readChange(finding, other, at) : undefined, other };
}

function readChange(
  finding: Record<string, unknown>,
  { kind, path, message }: OtherFinding,
  at: string,
): SchemaChange {
  const [type = '', field] = path.split('.');
  const isOfType = NAME.test(type) && type !== 'schema';
  const { file } = recordOf(finding.location ?? {}, `${at}.location`);
  const { reason: approval } = recordOf(finding.approval ?? {}, `${at}.approval`);
  return {
    ...{ kind, path, message },
    type: isOfType ? type : '',
    field: isOfType ? field : undefined,
    level: oneOf(LEVELS, finding.level, `${at}.level`),
    action: actionOf(kind),
    reason: textOf(finding.reason ?? '', `${at}.reason`),
    file: textOf(file ?? '', `${at}.location.file`),
    approval: approval === undefined ? undefined : textOf(approval, `${at}.approval.reason`),
    affected: listOf(finding.affected ?? [], `${at}.affected`).map((one, index) =>
      readOperation(one, `${at}.affected[${index}]`),
    ),
  };
}

function readOperation(value: unknown, at: string): AffectedOperation {
  const { name, viewer, sender, requests } = recordOf(value, at);
  return {
    name: textOf(name, `${at}.name`),
    sender: textOf(sender ?? viewer ?? '', `${at}.viewer`),
    requests: requests === undefined ? undefined : countOf(requests, `${at}.requests`),
  };
}

/** A deprecation or an argument that is added or removed changes a field. */
function actionOf(kind: string): Action {
  const [, action] = /^(?:TYPE|FIELD|INPUT_FIELD|ENUM_VALUE|UNION_MEMBER)_(ADDED|REMOVED)$/.exec(kind) ?? [];
  if (!action) return 'changed';
  return action === 'ADDED' ? 'added' : 'removed';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function recordOf(value: unknown, at: string): Record<string, unknown> {
  if (!isRecord(value)) throw malformed(at, 'an object');
  return value;
}

function listOf(value: unknown, at: string): unknown[] {
  if (!Array.isArray(value)) throw malformed(at, 'a list');
  return value;
}

function textOf(value: unknown, at: string): string {
  if (typeof value !== 'string') throw malformed(at, 'a text');
  return value;
}

function countOf(value: unknown, at: string): number {
  if (typeof value !== 'number' || value < 0) throw malformed(at, 'a number');
  return value;
}

function oneOf<Value extends string>(values: readonly Value[], value: unknown, at: string): Value {
  const found = values.find((one) => one === value);
  if (found === undefined) throw malformed(at, values.map((one) => `"${one}"`).join(', '));
  return found;
}

function malformed(at: string, wanted: string): Error {
  return new Error(`The report is damaged: \`${at}\` should be ${wanted}.`);
}
