'use strict';

let settings = { mostBytes: 10 << 20 };

// ---- small things ----

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children); // text stays text: nothing here is ever read as HTML
  return made;
}

const digits = cosine => cosine.toFixed(3);

function fail(answer, error) {
  answer.className = 'answer bad';
  answer.replaceChildren(element('strong', {}, 'That did not work: '), error.message + '.');
}

function show(answer, ...children) {
  answer.className = 'answer';
  answer.replaceChildren(...children);
}

async function ask(method, path, body) {
  let response;
  try {
    response = await fetch(path, { method, body, headers: { 'X-Face-Page': '1' }, cache: 'no-store' });
  } catch (e) {
    throw new Error('the program does not answer; is it still running');
  }
  const value = await response.json().catch(() => ({ error: 'the program answered with status ' + response.status }));
  if (!response.ok) throw new Error(value.error);
  return value;
}

// ---- choosing a picture ----

class Picker {
  constructor(place) {
    const copy = document.getElementById('picker').content.cloneNode(true);
    this.title = place.dataset.picker;
    this.input = copy.querySelector('input');
    this.preview = copy.querySelector('.preview');
    this.image = copy.querySelector('img');
    this.boxes = copy.querySelector('.boxes');
    this.chosen = copy.querySelector('.chosen');
    this.picture = null;
    const camera = copy.querySelector('.camera');
    copy.querySelector('.title').textContent = this.title;
    camera.setAttribute('aria-label', `${this.title}: use the camera`);
    this.input.addEventListener('change', () => this.take(this.input.files[0] ?? null, false));
    camera.addEventListener('click', async () => {
      const picture = await takePicture();
      if (picture) {
        this.input.value = '';
        this.take(picture, true);
      }
      camera.focus();
    });
    place.replaceChildren(copy);
  }

  take(picture, fromCamera) {
    if (this.image.src) URL.revokeObjectURL(this.image.src);
    this.picture = picture;
    this.boxes.replaceChildren();
    this.preview.hidden = true;
    this.image.removeAttribute('src');
    this.chosen.textContent = fromCamera ? 'A picture from the camera.' : '';
    if (!picture || picture.size > settings.mostBytes) return;
    this.image.alt = `${this.title}, as chosen`;
    this.image.onload = () => { this.preview.hidden = false; };
    this.image.src = URL.createObjectURL(picture);
  }

  /** The picture, or an error that says what to do. */
  get() {
    if (!this.picture) throw new Error(`${this.title.toLowerCase()} is missing: choose a file or use the camera`);
    if (this.picture.size > settings.mostBytes) {
      const mb = Math.ceil(this.picture.size / 1048576);
      throw new Error(`a picture must have at most ${settings.mostBytes / 1048576} MB, but has ${mb} MB; make it smaller`);
    }
    return this.picture;
  }

  clear() {
    this.input.value = '';
    this.take(null, false);
  }

  mark(faces, width, height) {
    this.boxes.replaceChildren(...faces.map((face, i) => {
      const [x, y, w, h] = face.box;
      const box = element('span', { className: 'box' }, element('span', {}, String(i + 1)));
      Object.assign(box.style, { left: 100 * x / width + '%', top: 100 * y / height + '%',
        width: 100 * w / width + '%', height: 100 * h / height + '%' });
      return box;
    }));
  }
}

/** Opens the camera; resolves to a JPEG, or null. */
function takePicture() {
  const dialog = document.getElementById('camera');
  const video = dialog.querySelector('video');
  const message = dialog.querySelector('.answer');
  const take = document.getElementById('take');
  let stream = null;
  let picture = null;
  let open = true;
  show(message);
  take.disabled = true;
  dialog.showModal();
  (navigator.mediaDevices
    ? navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 }, facingMode: 'user' } })
    : Promise.reject(new Error('the browser gives a camera only to pages of this machine or over HTTPS')))
    .then(async given => {
      stream = given;
      if (!open) return stop();
      video.srcObject = stream;
      await video.play();
      take.disabled = false;
      take.focus();
    })
    .catch(error => open && fail(message, error));
  function stop() {
    stream?.getTracks().forEach(track => track.stop());
    video.srcObject = null;
  }
  return new Promise(resolve => {
    take.onclick = () => {
      const canvas = element('canvas', { width: video.videoWidth, height: video.videoHeight });
      canvas.getContext('2d').drawImage(video, 0, 0);
      canvas.toBlob(blob => { picture = blob; dialog.close(); }, 'image/jpeg', 0.95);
    };
    document.getElementById('cancel').onclick = () => dialog.close();
    dialog.onclose = () => { open = false; stop(); resolve(picture); };
  });
}

// ---- answers ----

/** Where the cosine lies, beside the threshold; for eyes only, as the words say the same. */
function scale(cosine, threshold) {
  const at = value => 4 + 192 * (Math.max(-1, Math.min(1, value)) + 1) / 2;
  const drawing = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const add = (tag, attributes, text) => {
    const part = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [name, value] of Object.entries(attributes)) part.setAttribute(name, value);
    if (text) part.textContent = text;
    drawing.append(part);
  };
  drawing.setAttribute('viewBox', '0 0 200 26');
  drawing.setAttribute('class', 'scale');
  drawing.setAttribute('preserveAspectRatio', 'xMinYMid meet');
  drawing.setAttribute('aria-hidden', 'true');
  add('path', { d: 'M4 8H196', stroke: 'currentColor', 'stroke-width': 1 });
  add('path', { d: `M${at(threshold)} 8H196`, stroke: 'currentColor', 'stroke-width': 4 });
  add('path', { d: `M${at(threshold)} 2V14`, stroke: 'currentColor', 'stroke-width': 1.5 });
  add('circle', { cx: at(cosine), cy: 8, r: 4.5, fill: 'currentColor' });
  for (const [value, anchor] of [[-1, 'start'], [0, 'middle'], [1, 'end']]) {
    add('text', { x: value === 0 ? 100 : value < 0 ? 0 : 200, y: 25, 'text-anchor': anchor, 'font-size': 8,
      fill: 'currentColor' }, String(value));
  }
  return drawing;
}

function verdict(good, portraits, title, details, cosine, threshold) {
  const words = element('div', {}, element('strong', {}, (good ? '✓ ' : '? ') + title), element('small', {}, details));
  if (cosine !== null) words.append(scale(cosine, threshold));
  return element('div', { className: 'verdict ' + (good ? 'good' : 'unsure') },
    ...portraits.map(src => element('img', { src, alt: '' })), words);
}

function identified(result, picker) {
  picker.mark(result.faces, result.width, result.height);
  return result.faces.map((face, i) => {
    const number = result.faces.length > 1 ? `${i + 1}: ` : '';
    if (face.best) {
      return verdict(true, [face.portrait], number + face.best.name,
        `cosine ${digits(face.best.cosine)}, known from ${digits(result.threshold)} on`, face.best.cosine, result.threshold);
    }
    const near = face.nearest;
    return verdict(false, [face.portrait], number + 'Unknown', near
      ? `nearest is ${near.name} with a cosine of ${digits(near.cosine)}; known from ${digits(result.threshold)} on`
      : 'nobody is enrolled yet', near ? near.cosine : null, result.threshold);
  });
}

function compared(result) {
  const rate = result.falseAcceptRate === null ? '' : `, at a false accept rate of ${result.falseAcceptRate}`;
  const answers = [verdict(result.same, result.portraits, result.same ? 'The same person' : 'Different people',
    `cosine ${digits(result.cosine)}, the same from ${digits(result.threshold)} on${rate}`, result.cosine, result.threshold)];
  if (!result.same) answers[0].querySelector('strong').textContent = '≠ Different people';
  if (Math.max(...result.facesInPictures) > 1) {
    answers.push(element('p', {}, 'There were several faces; the most prominent one of each picture was compared.'));
  }
  return answers;
}

function enrolled(result) {
  const several = result.facesInPicture > 1
    ? `the most prominent of ${result.facesInPicture} faces, entry ${result.entry}` : `entry ${result.entry}`;
  return [verdict(true, [result.portrait], `${result.name} is enrolled`, several, null, null)];
}

// ---- the gallery ----

function list(gallery) {
  const faces = document.querySelector('#gallery .faces');
  const shown = gallery.entries.length < gallery.total ? `; the newest ${gallery.entries.length} are shown` : '';
  document.getElementById('gallery-count').textContent = gallery.total === 0
    ? 'Nobody is enrolled yet.' : `${gallery.total} ${gallery.total === 1 ? 'entry' : 'entries'}${shown}.`;
  faces.replaceChildren(...gallery.entries.map(({ entry, name }) => {
    const image = element('img', { src: `/api/gallery/${entry}/picture`, alt: `Face of ${name}`, loading: 'lazy' });
    const face = element('div', { className: 'face' }, image);
    image.onerror = () => face.replaceChildren(element('div', { className: 'none' }, 'no picture'));
    const remove = element('button', { type: 'button' }, 'Remove');
    remove.setAttribute('aria-label', `Remove ${name}, entry ${entry}`);
    remove.addEventListener('click', () => removeEntry(entry, name));
    return element('li', {}, face,
      element('div', { className: 'who' }, name, ' ', element('span', { className: 'entry' }, `entry ${entry}`)), remove);
  }));
}

async function removeEntry(entry, name) {
  if (!window.confirm(`Remove ${name}, entry ${entry}, from the gallery?`)) return;
  const answer = document.querySelector('#gallery .answer');
  try {
    list(await ask('DELETE', `/api/gallery/${entry}`));
    show(answer, element('p', {}, `${name}, entry ${entry}, is removed.`));
  } catch (error) {
    fail(answer, error);
  }
  document.getElementById('gallery-title').focus(); // the button that had the focus is gone
}

// ---- the forms ----

function form(id, busy, run) {
  const section = document.getElementById(id);
  const made = section.querySelector('form');
  const answer = section.querySelector('.answer');
  const button = made.querySelector('button.main');
  const pickers = {};
  for (const place of made.querySelectorAll('[data-picker]')) pickers[place.dataset.name] = new Picker(place);
  made.addEventListener('submit', async event => {
    event.preventDefault();
    if (button.getAttribute('aria-disabled') === 'true') return;
    button.setAttribute('aria-disabled', 'true'); // not disabled: it would lose the focus
    show(answer, element('p', {}, busy));
    try {
      show(answer, ...await run(pickers, made));
    } catch (error) {
      fail(answer, error);
    } finally {
      button.removeAttribute('aria-disabled');
    }
  });
}

form('identify', 'Looking…', async ({ picture }) => identified(await ask('POST', '/api/identify', picture.get()), picture));

form('compare', 'Comparing…', async ({ first, second }) => {
  const a = first.get();
  const b = second.get();
  return compared(await ask('POST', `/api/compare?first=${a.size}`, new Blob([a, b]))); // one after the other
});

form('enrol', 'Enrolling…', async ({ picture }, made) => {
  const name = made.elements.name.value;
  const result = await ask('POST', `/api/enrol?name=${encodeURIComponent(name)}`, picture.get());
  picture.clear();
  list(await ask('GET', '/api/gallery'));
  return enrolled(result);
});

ask('GET', '/api/settings').then(given => {
  settings = given;
  const rate = given.falseAcceptRate === null
    ? 'a threshold given by whoever started this, not measured'
    : `the model's threshold for a false accept rate of ${given.falseAcceptRate}`;
  document.getElementById('threshold').textContent =
    `Two faces count as one person's from a cosine of ${digits(given.threshold)} on: ${rate}. A cosine is no probability.`;
}).catch(error => fail(document.querySelector('#gallery .answer'), error));
ask('GET', '/api/gallery').then(list).catch(error => fail(document.querySelector('#gallery .answer'), error));
