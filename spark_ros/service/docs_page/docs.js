// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Shows /openapi.json: all text goes in as text, never as markup.

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

function table(heads, rows) {
  return element('table', '',
    element('tr', '', ...heads.map((head) => element('th', head))),
    ...rows.map((cells) => element('tr', '', ...cells.map((cell) => element('td', cell)))));
}

function resolved(thing) {
  return thing.$ref ? thing.$ref.slice(2).split('/').reduce((at, name) => at[name], api) : thing;
}

function typeOf(schema) {
  if (!schema) return '';
  if (schema.$ref) return schema.$ref.split('/').pop();
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const either = schema.oneOf || schema.anyOf;
  if (either) return either.map(typeOf).join(' or ');
  if (Array.isArray(schema.type)) {
    return schema.type.map((type) => typeOf({ ...schema, type })).join(' or ');
  }
  if (schema.type === 'array') return `[${typeOf(schema.items)}]`;
  return schema.format ? `${schema.type} (${schema.format})` : schema.type || 'anything';
}

function rows(schema) {
  const { allOf = [], required = [], properties = {} } = resolved(schema);
  return [...allOf.flatMap(rows), ...Object.entries(properties).map(([name, field]) => [
    required.includes(name) ? `${name} *` : name, typeOf(field), field.description,
  ])];
}

function fields(schema) {
  return table(['field', 'type', 'about'], rows(schema));
}

function contents(content) {
  return Object.entries(content || {}).flatMap(([type, { schema, example }]) => [
    element('p', `${type}: ${typeOf(schema)}`),
    ...(schema.properties ? [fields(schema)] : []),
    ...(example ? [element('pre', JSON.stringify(example, null, 2))] : []),
  ]);
}

function operation(path, method, said) {
  const body = element('div', '', ...(said.description ? [element('p', said.description)] : []));
  body.className = 'body';
  if (said.parameters) {
    body.append(element('h3', 'Parameters'), table(['name', 'in', 'type', 'about'],
      said.parameters.map(resolved).map((p) => [p.name, p.in, typeOf(p.schema), p.description])));
  }
  if (said.requestBody) {
    body.append(element('h3', 'Body'), ...contents(said.requestBody.content));
  }
  for (const [status, answer] of Object.entries(said.responses)) {
    const response = resolved(answer);
    body.append(element('h3', `${status}: ${response.description}`), ...contents(response.content));
  }
  return element('details', '',
    element('summary', '', element('code', `${method.toUpperCase()} ${path}`), ` ${said.summary}`), body);
}

const api = await (await fetch('/openapi.json')).json();
document.getElementById('title').textContent = `${api.info.title} ${api.info.version}`;
document.getElementById('description').textContent = api.info.description || '';
for (const [path, methods] of Object.entries(api.paths)) {
  for (const method of METHODS.filter((name) => methods[name])) {
    document.getElementById('operations').append(operation(path, method, methods[method]));
  }
}
for (const [name, schema] of Object.entries(api.components.schemas || {})) {
  const body = element('div', schema.description || '', fields(schema));
  body.className = 'body';
  document.getElementById('schemas').append(
    element('details', '', element('summary', '', element('code', name)), body));
}
