// What every editor of the page shares: keys, colours by classes, and styles that the page's policy lets in.

import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { syntaxHighlighting } from "@codemirror/language";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, drawSelection, keymap } from "@codemirror/view";
import { tagHighlighter, tags } from "@lezer/highlight";

const colours = tagHighlighter([
  { tag: [tags.string, tags.attributeValue, tags.character], class: "code-string" },
  { tag: [tags.number, tags.bool, tags.null, tags.literal], class: "code-number" },
  { tag: [tags.keyword, tags.operator, tags.tagName], class: "code-word" },
  { tag: [tags.propertyName, tags.attributeName, tags.variableName], class: "code-name" },
  { tag: [tags.comment, tags.meta, tags.processingInstruction, tags.punctuation], class: "code-quiet" },
]);

/** The nonce under which the editor may add its styles: browsers hide it from attributes, and keep it as a property. */
export function cspNonce(): Extension {
  const nonce = document.querySelector<HTMLElement>('meta[property="csp-nonce"]')?.nonce;
  return nonce ? EditorView.cspNonce.of(nonce) : [];
}

/** For reading and for typing: colours, wrapped lines, the text's own line ends. */
export function shown(): Extension {
  return [
    cspNonce(),
    syntaxHighlighting(colours),
    EditorView.lineWrapping,
    // A carriage return is a character as any other: offsets are those of the text as it is sent.
    EditorState.lineSeparator.of("\n"),
    EditorView.editorAttributes.of({ class: "code" }),
  ];
}

/** Characters from which on the browser's own editing is felt at each key. */
const LONG = 2_000;

/**
 * A character is put by the editor itself in a long line, which the browser would look through to put it, and over a
 * selection, of which the browser would keep the style, against the page's policy. All else is the browser's: it
 * knows where a click put the cursor before the editor does.
 */
const quick = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { inputType, data, isComposing, cancelable } = event;
    if (inputType !== "insertText" || !data || isComposing || !cancelable) return false;
    if (view.state.selection.main.empty && view.state.doc.length < LONG) return false;
    const { from, to } = view.state.selection.main;
    const insert = () =>
      view.state.update(view.state.replaceSelection(data), { userEvent: "input.type", scrollIntoView: true });
    // Extensions that type for the user, such as closing brackets, come first.
    const handlers = view.state.facet(EditorView.inputHandler);
    if (!handlers.some((handle) => handle(view, from, to, data, insert))) view.dispatch(insert());
    event.preventDefault();
    return true;
  },
});

/** For typing. Tab is not taken: it leaves the editor; Ctrl/Cmd+Enter is the page's, which sends. */
export function typing(): Extension {
  return [
    history(),
    drawSelection(),
    quick,
    keymap.of([...historyKeymap, ...defaultKeymap.filter(({ key }) => key !== "Mod-Enter")]),
    EditorView.contentAttributes.of({
      spellcheck: "false",
      autocapitalize: "off",
      autocorrect: "off",
      translate: "no",
      // It takes the focus anyway; this tells those who look for what does.
      tabindex: "0",
    }),
  ];
}
