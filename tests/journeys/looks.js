// What axe is asked about a document that is shown wide and narrow, in light and in dark. All rules run once; after
// that, those of layout in the other size, and those of colours wherever a text has a style that axe hasn't seen yet.
window.looks = (() => {
  const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
  const COLOURS = ["color-contrast", "link-in-text-block"]
  const SIZE = "target-size", SCROLLED = "scrollable-region-focusable"
  const TEXT = "data-ask-colours", TARGET = "data-ask-size"
  const TARGETS = "a[href], area, button, input, select, textarea, summary, [role][tabindex], [contenteditable]"
  const OWN = ["color", "textShadow", "textDecorationLine", "borderBottomColor", "borderBottomWidth"]
  const EFFECTS = ["opacity", "filter", "mixBlendMode"]
  const DISTINCT = [
    "color", "textShadow", "webkitTextFillColor", "webkitTextStroke", "textDecoration", "fontFamily", "fontWeight",
    "fontStyle", "fontSize", "borderTop", "borderBottom", "outline", "backgroundImage"]
  const BLOCK = /^(block|list-item|table|flex|grid)/
  const NEAR = 24  // pixels: the least size of a target, and how far from its middle the next one may begin
  const ALIKE = 2  // so many texts or links of one style, and targets of one layout
  const counted = new WeakMap(), isLinkInText = axe._audit.rules.find(({id}) => id === "link-in-text-block").matches
  let shown = null, asked = [], widths = new Set(), behind = new Map(), isFurtherLink = null

  axe.configure({rules: [
    {id: "color-contrast", selector: `[${TEXT}]`}, {id: "target-size", selector: `[${TARGET}]`},
    {id: "link-in-text-block", matches: (...link) => isFurtherLink(...link)},
  ]})

  const distance = (one, other) => Math.max(
    one.left - other.right, other.left - one.right, one.top - other.bottom, other.top - one.bottom)
  const middleOf = ({left, top, width, height}) => new DOMRect(left + width / 2, top + height / 2)
  const isLarge = ({width, height}) => width >= NEAR && height >= NEAR
  const within = (root) => [...root.querySelectorAll("*")]
  const isShown = (element) => element.checkVisibility({opacityProperty: true, visibilityProperty: true})
  const textOf = (element) => {
    if (element.matches("input, textarea, select")) return "a value"
    const own = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)
    return own.map((node) => node.data).join("").trim()
  }
  const shortOf = (key) => {  // the same for the same key in each document
    let first = 7, second = 11
    for (let at = 0; at < key.length; at++) {
      first = Math.imul(first ^ key.charCodeAt(at), 2654435761)
      second = Math.imul(second ^ key.charCodeAt(at), 1597334677)
    }
    return `${(first >>> 0).toString(36)}${(second >>> 0).toString(36)}`
  }

  // Contrast would take most of axe's time, as a table repeats the same colours in each row. It follows from the style
  // of a text and of what is behind it: of the texts that have these in common, axe is given the first two.
  const beneath = (element) => {
    const {left, top, width, height} = element.getBoundingClientRect()
    const there = document.elementsFromPoint(left + width / 2, top + height / 2)
    const below = there.filter((one) => !element.contains(one))
    return below.map((one) => getComputedStyle(one).backgroundColor).join() + element.className
  }
  const behindOf = (element) => {
    if (!element) return {colour: "", effects: ""}
    if (!behind.has(element)) {
      const style = getComputedStyle(element), parent = behindOf(element.parentElement)
      const isOpaque = style.backgroundColor.startsWith("rgb(") && style.backgroundImage === "none"
      const floats = /absolute|fixed|sticky/.test(style.position)
      const effects = EFFECTS.map((name) => style[name])
      effects.push(element.matches(":disabled, [aria-disabled=true], [inert]"), element.control?.disabled ?? false)
      const colour = [isOpaque ? "" : parent.colour, style.backgroundColor, style.backgroundImage]
      if (floats && !isOpaque) colour.push(beneath(element))
      const isPlain = effects.join() === "1,none,normal,false,false"
      behind.set(element, {
        colour: shortOf(colour.join("|")),
        effects: isPlain ? parent.effects : shortOf(`${parent.effects} ${effects}`),
      })
    }
    return behind.get(element)
  }
  const styleOf = (element) => {
    const style = getComputedStyle(element), size = parseFloat(style.fontSize), bold = style.fontWeight >= 700
    return [...OWN.map((name) => style[name]), bold, size >= (bold ? 18.66 : 24)].join("|")
  }
  const chooseTexts = (root, met) => {
    const judged = []
    const isFurther = (element) => {
      const text = textOf(element)
      if (!text || !isShown(element) || element.getBoundingClientRect().width <= 1) return false
      const {colour, effects} = behindOf(element)
      const kind = [colour, effects, styleOf(element), element.matches("input, select, textarea")]
      kind.push(text.length > 1)  // axe is not sure about a single letter
      const link = element.closest("a")
      if (link) kind.push(styleOf(link), styleOf(link.parentElement))  // it has to differ from the text around it
      const key = shortOf(kind.join("|"))
      if (counted.get(element)?.has(key)) return false  // it looks as it did in the other size of the window
      counted.set(element, (counted.get(element) ?? new Set()).add(key))
      met[key] = (met[key] ?? 0) + 1
      if (met[key] > ALIKE) return false
      judged.push(key)
      return true
    }
    return {texts: within(root).filter(isFurther), judged}
  }

  // A link in a text has to differ from it. Whether it does follows from its style, that of the text, and of what is
  // around it up to the text's block. Axe says which links are in a text, and judges the first two that are alike.
  const choosesLinks = (met, judged) => (link, ...rest) => {
    if (!isLinkInText(link, ...rest)) return false
    const kind = ["::before", "::after"].map((part) => getComputedStyle(link, part).content)
    for (let one = link; one; one = one.parentElement) {
      const style = getComputedStyle(one), {colour, effects} = behindOf(one)
      kind.push(colour, effects, ...DISTINCT.map((name) => style[name]))
      if (one !== link && BLOCK.test(style.display)) break
    }
    const key = shortOf(`a link|${kind.join("|")}`)
    met[key] = (met[key] ?? 0) + 1
    if (met[key] > ALIKE) return false
    judged.push(key)
    return true
  }

  // A target that is large enough and that no other one overlaps is right, and so is one with none near it. Axe is asked
  // about the others; of those that are alike in their size and in what lies around them, about the first two.
  const chooseTargets = (root, met) => {
    const around = document.querySelector("dialog:modal") ?? document
    const all = [...around.querySelectorAll(TARGETS)].filter(isShown)  // measuring hidden ones would lay them out
    const boxes = new Map(all.map((target) => [target, target.getBoundingClientRect()]))
    const judged = []
    const isFurther = (target) => {
      const box = boxes.get(target), middle = middleOf(box), isEnough = isLarge(box)
      const isNear = (one) => distance(one, middle) < (isLarge(one) ? NEAR / 2 + 1 : NEAR)
      const isBeside = (one) => isEnough ? distance(one, box) < 0 : isNear(one)
      const beside = all.filter((one) => one !== target && isBeside(boxes.get(one)))
      if (!beside.length) return false
      const placed = [target, ...beside].map((one) => {
        const {left, top, width, height} = boxes.get(one), {display, pointerEvents} = getComputedStyle(one)
        const kind = [one.tagName, one.type, one.tabIndex, one.getAttribute("role"), display, pointerEvents]
        return [...kind, target.contains(one), left - box.left, top - box.top, width, height]
      })
      const key = shortOf(JSON.stringify(placed))
      met[key] = (met[key] ?? 0) + 1
      if (met[key] > ALIKE) return false
      judged.push(key)
      return true
    }
    return {targets: all.filter((target) => root.contains(target) && isFurther(target)), keys: judged}
  }

  // A region that scrolls is right if the keyboard reaches it or what is in it. Axe is asked if there is another.
  const scrollsUnreached = (root) => {
    const scrolls = (element) => {
      const isWide = element.scrollWidth > element.clientWidth, isHigh = element.scrollHeight > element.clientHeight
      if (!isWide && !isHigh) return false
      const {overflowX, overflowY} = getComputedStyle(element), scrolling = /auto|scroll/
      return isWide && scrolling.test(overflowX) || isHigh && scrolling.test(overflowY)
    }
    const isReached = (element) => element.tabIndex >= 0 && !element.disabled && isShown(element)
    return within(root).some((region) => scrolls(region) && ![region, ...within(region)].some(isReached))
  }

  // The same markup at the same place of a page is judged once.
  const isUnknown = (element, met, judged) => {
    const around = [], inside = [element, ...within(element)]
    for (let one = element.parentElement; one && one !== document.body; one = one.parentElement) around.push(one)
    const labels = inside.flatMap((one) => [...one.labels ?? [], ...one.ariaLabelledByElements ?? []])
    const ids = inside.map((one) => one.id && document.querySelectorAll(`#${CSS.escape(one.id)}`).length)
    const place = around.map((one) => one.cloneNode(false).outerHTML)
    const key = shortOf([element.outerHTML, ...place, ...labels.map((one) => one.textContent), ...ids].join("|"))
    if (met[key]) return false
    met[key] = 1
    judged.push(key)
    return true
  }

  const finishAnimations = () => {  // a dialog may appear slowly
    const ending = document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < Infinity)
    ending.forEach((one) => one.finish())
  }

  // Before axe judges colours and sizes, it notes where each element lies that a tree walker gives it: that takes most
  // of its time. It gets what lies where it is asked, and what is around that. Elements that aren't shown lie nowhere,
  // and those behind an opaque dialog are covered: measuring them takes long.
  const placesAsked = () => {
    const range = document.createRange(), boxes = []
    const add = (element) => {
      range.selectNodeContents(element)
      boxes.push(element.getBoundingClientRect(), range.getBoundingClientRect())
    }
    asked.forEach(add)
    linksInText(document).forEach(([link, block]) => [link, block].forEach(add))
    const scrolled = new Set()
    for (const element of asked) for (let one = element.parentElement; one; one = one.parentElement) scrolled.add(one)
    for (const element of scrolled) {  // what covers the middle of a scrolled region covers all of it to axe
      if (getComputedStyle(element).overflow === "visible") continue
      const {left, top, width, height} = element.getBoundingClientRect()
      boxes.push(new DOMRect(left + width / 2, top + height / 2, 1, 1))
    }
    return boxes.filter(({width, height}) => width || height)
  }
  const linksInText = (root) => [...root.querySelectorAll("a[href]")].filter(isShown).flatMap((link) => {
    let block = link
    while (block && getComputedStyle(block).display.startsWith("inline")) block = block.parentElement
    return block && block !== link && block.textContent.trim() !== link.textContent.trim() ? [[link, block]] : []
  })
  const walkerOver = document.createTreeWalker.bind(document)
  document.createTreeWalker = (top, kinds) => {
    const dialog = document.querySelector("dialog:modal")
    const covers = dialog && getComputedStyle(dialog).backgroundColor.startsWith("rgb(")
    const isCovered = (element) => covers && !element.contains(dialog) && !dialog.contains(element)
    const places = placesAsked(), near = new Set()
    for (const element of within(document)) {
      if (near.has(element) || isCovered(element) || !element.checkVisibility()) continue
      const box = element.getBoundingClientRect()
      if (!places.some((place) => distance(box, place) <= NEAR)) continue
      for (let one = element; one && !near.has(one); one = one.parentElement) near.add(one)
    }
    return walkerOver(top, kinds, (element) => NodeFilter[near.has(element) ? "FILTER_ACCEPT" : "FILTER_REJECT"])
  }

  // Axe is not sure about an id that two elements have, and reports none.
  const usedTwice = () => {
    const ids = [...document.querySelectorAll("[id]")].map((element) => element.id)
    const again = new Set(ids).size < ids.length ? ids.filter((id, place) => ids.indexOf(id) < place) : []
    const help = "Another element has it"
    return again.map((id) => ({id: "duplicate-id", help, nodes: [{html: id, failureSummary: ""}]}))
  }

  const ask = (attribute, elements) => elements.forEach((element) => element.setAttribute(attribute, ""))
  const run = async (context, options) => {
    const always = {resultTypes: ["violations"], iframes: false, preload: false}
    return (await axe.run(context, {...always, ...options})).violations
  }
  const everything = {runOnly: {type: "tag", values: TAGS}}
  const rules = (values) => ({runOnly: {type: "rule", values}})

  // What axe finds, and how many pixels of the page lie beside the window. `known` has each style with the number of
  // texts that axe was given so far, in other documents too. The third value has a style for each text that it was
  // given now. `begins`: this is another look than the one before.
  return async (inside, known, begins) => {
    if (begins) [shown, widths] = [null, new Set()]
    const met = Object.fromEntries(known.split(" ").map((one) => one.split(":")).map(([key, times]) => [key, +times]))
    const root = document.querySelector(inside ?? "dialog:modal") ?? document
    finishAnimations()
    if (root !== document.querySelector("dialog:modal")) scrollTo(0, 0)
    asked.forEach((element) => [TEXT, TARGET].forEach((name) => element.removeAttribute(name)))
    const isOtherSize = !widths.has(innerWidth)
    widths.add(innerWidth)
    behind = new Map()
    const {texts, judged} = chooseTexts(root, met)
    isFurtherLink = choosesLinks(met, judged)
    const {targets, keys} = isOtherSize ? chooseTargets(root, met) : {targets: [], keys: []}
    asked = [...texts, ...targets]
    ask(TEXT, texts)
    ask(TARGET, targets)
    const found = []
    if (!shown) {
      shown = new Set(within(root).filter(isShown))
      found.push(...await run(root, everything), ...usedTwice())
    } else {
      const isNew = (element) => !shown.has(element) && isShown(element)
      const isFirstNew = (element) => isNew(element) && !isNew(element.parentElement)
      const first = isOtherSize ? within(root).filter(isFirstNew) : []
      const appeared = first.filter((element) => isUnknown(element, met, judged))
      const others = Object.fromEntries([...COLOURS, SIZE, SCROLLED].map((id) => [id, {enabled: false}]))
      if (appeared.length) found.push(...await run({include: appeared}, {...everything, rules: others}))
      const open = [...targets.length ? [SIZE] : [], ...texts.length ? COLOURS : []]
      if (isOtherSize && scrollsUnreached(root)) open.push(SCROLLED)
      if (open.length) found.push(...await run(root, rules(open)))
    }
    const {scrollWidth, clientWidth} = document.documentElement
    return [found, scrollWidth - clientWidth, [...judged, ...keys]]
  }
})()
