import { type MonacoEditor, useGraphiQLActions } from '@graphiql/react';
import { fillLeafs, mergeAst } from '@graphiql/toolkit';
import { GraphQLError, parse, print } from 'graphql';
import { applyEdits, format as jsonEdits } from 'jsonc-parser';
import { execute, isRunning, rejectRun } from '../execution/execute';
import { stopRun } from '../execution/runs';
import { useExtensions } from '../extensions/extensions';
import { recordRun } from '../history/history';
import { showBriefNotice } from '../notice/notice';
import { fillActiveTab } from '../operations/fill';
import { useSession } from '../session/session';
import { activeTab, graphiqlState } from './graphiql-state';
import { readRequest } from './request';
import { insertTexts, replaceText } from './undo';

/**
 * Replaces some of GraphiQL's actions, before anything is rendered that uses them: a run belongs to a tab, and what
 * changes the text can be undone. GraphiQL has no other way to do it.
 */
export function useOwnActions(): void {
  const actions = useGraphiQLActions();
  actions.run = runActiveTab;
  actions.stop = () => {
    // GraphiQL stops the run of a tab that is left; ours goes on.
  };
  actions.prettifyEditors = prettify;
  actions.mergeQuery = mergeFragments;
}

/** Runs the operation at the cursor, or stops the one that runs. */
export function runActiveTab(): void {
  const tab = activeTab();
  if (!tab) return;
  if (isRunning(tab.id)) {
    stopRun(tab.id);
    return;
  }
  void run(tab.id);
}

/** Runs the operation that begins at a line, instead of the one that runs. */
export function runOperationAt(editor: MonacoEditor, line: number): void {
  const tab = activeTab();
  if (!tab) return;
  editor.setPosition({ lineNumber: line, column: editor.getModel()?.getLineMaxColumn(line) ?? 1 });
  void run(tab.id);
}

async function run(id: string): Promise<void> {
  const missing = await fillActiveTab();
  selectLeaves();
  const tab = activeTab();
  if (!tab || tab.id !== id) return;
  if (missing.length > 0) {
    rejectRun(id, `Request not sent: the variables have no value for ${missing.join(', ')}.`);
    return;
  }
  try {
    const { request, headers } = readRequest(tab);
    const { query, variables, extensions } = tab;
    const viewer = useSession.getState().session?.user.id ?? '';
    recordRun({ name: request.operationName ?? 'Unnamed', query, variables, extensions, viewer });
    await execute({ tab: tab.id, request, headers });
  } catch (error) {
    rejectRun(tab.id, `Request not sent. ${messageOf(error)}`);
  }
}

/** Selects something of each object that is selected without fields. */
function selectLeaves(): void {
  const { queryEditor, schema } = graphiqlState() ?? {};
  const { insertions } = fillLeafs(schema, queryEditor?.getValue());
  if (queryEditor && insertions.length > 0) insertTexts(queryEditor, insertions);
}

/** Formats the operation, and what is sent with it. What cannot be parsed is said, and stays as it is. */
async function prettify(): Promise<void> {
  const { queryEditor, variableEditor, headerEditor, onPrettifyQuery } = graphiqlState() ?? {};
  const query = queryEditor?.getValue() ?? '';
  try {
    if (query.trim()) parse(query);
    if (queryEditor && onPrettifyQuery) replaceText(queryEditor, await onPrettifyQuery(query));
  } catch (error) {
    showBriefNotice(`The operation cannot be formatted: ${messageOf(error)}`);
  }
  for (const editor of [variableEditor, headerEditor, useExtensions.getState().editor]) {
    const text = editor?.getValue() ?? '';
    if (editor && text.trim()) replaceText(editor, formatJson(text));
  }
}

function formatJson(text: string): string {
  return applyEdits(text, jsonEdits(text, undefined, { tabSize: 2, insertSpaces: true }));
}

/** Writes the fields of fragments where they are used. */
function mergeFragments(): void {
  const { queryEditor, schema } = graphiqlState() ?? {};
  if (!queryEditor) return;
  try {
    replaceText(queryEditor, print(mergeAst(parse(queryEditor.getValue()), schema)));
  } catch (error) {
    showBriefNotice(`The fragments cannot be merged: ${messageOf(error)}`);
  }
}

function messageOf(error: unknown): string {
  if (error instanceof GraphQLError) {
    const [location] = error.locations ?? [];
    return location ? `${error.message} Line ${location.line}, column ${location.column}.` : error.message;
  }
  return error instanceof Error ? error.message : String(error);
}
